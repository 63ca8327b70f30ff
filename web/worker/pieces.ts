/** What one reading gives at most. */
const pieceLength = 256 * 1024;

/**
 * The bytes of a response as they arrive. A piece is valid until the next one is pulled: where the browser can, the same two buffers are
 * filled in turn, since memory that is touched for the first time costs more than what is done with it.
 */
export async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = readerOf(body);
  alive.add(reader);
  let next = reader.read(new ArrayBuffer(pieceLength));
  let spare = new ArrayBuffer(pieceLength);
  try {
    for (;;) {
      const piece = await next;
      if (piece === undefined) return;
      next = reader.read(spare);
      next.catch(() => undefined); // reported when it is awaited, or wanted by nobody
      yield piece;
      spare = piece.buffer as ArrayBuffer;
    }
  } finally {
    await reader.cancel();
    alive.delete(reader);
  }
}

interface PieceReader {
  /** The next bytes, in the buffer where the browser fills buffers; nothing at the end. */
  read(buffer: ArrayBuffer): Promise<Uint8Array | undefined>;
  cancel(): Promise<void>;
}

/** Chromium collects a reader as garbage that only it itself waits for. */
const alive = new Set<PieceReader>();

function readerOf(body: ReadableStream<Uint8Array>): PieceReader {
  try {
    const reader = body.getReader({ mode: "byob" });
    return {
      read: async (buffer) => {
        const { value } = await reader.read(new Uint8Array(buffer));
        return value === undefined || value.length === 0 ? undefined : value;
      },
      cancel: () => cancelled(reader),
    };
  } catch {
    const reader = body.getReader();
    return { read: async () => (await reader.read()).value, cancel: () => cancelled(reader) };
  }
}

function cancelled(reader: ReadableStreamGenericReader): Promise<void> {
  return reader.cancel().catch(() => undefined); // it has failed or ended already
}
