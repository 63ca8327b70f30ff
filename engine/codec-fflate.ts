import { Deflate, type DeflateOptions as FflateOptions, Inflate } from "fflate";
import { createSHA256, sha256 } from "hash-wasm";
import { concat } from "./bytes.ts";
import type { Codec, DeflateOptions, InflateStream } from "./codec.ts";
import { PulledCheck, unpackEach } from "./codec-each.ts";
import { crc32 } from "./crc32.ts";
import { BackupError } from "./errors.ts";
import { packBlockEach, packEach } from "./zip/compress.ts";

/** Compressed bytes inflated at a time: what one step can give is a thousand times as much at worst. */
export const inflateStep = 16 * 1024;

/** Everything in JavaScript and WebAssembly, on the thread that calls: for runtimes without native streams. */
export const fflateCodec: Codec = {
  name: "fflate",
  crc32,
  sha256: (bytes) => sha256(bytes),
  createSha256: newSha256,
  deflate: async (bytes, options) => deflateNow(bytes, options),
  inflate: inflateWhole,
  createInflate: () => new FflateInflate(),
  createOpenEndedInflate: () => new FflateInflate({ isOpenEnded: true }),
  packBlock: (bytes, level) => packBlockEach(bytes, level, fflateCodec),
  packBatch: (bytes, lengths, level) => packEach(bytes, lengths, level, fflateCodec),
  unpackBatch: (bytes, items, options) => unpackEach(bytes, items, options, fflateCodec),
  createCheck: (options) => new PulledCheck(options, fflateCodec),
};

export async function newSha256() {
  const hasher = await createSHA256();
  hasher.init();
  return { update: (bytes: Uint8Array) => void hasher.update(bytes), digest: () => hasher.digest("hex") };
}

type FflateLevel = NonNullable<FflateOptions["level"]>;

/** Raw deflate at once; without `final` it ends in a sync flush, on a byte. */
export function deflateNow(bytes: Uint8Array, { level, final }: DeflateOptions): Uint8Array {
  const parts: Uint8Array[] = [];
  const deflate = new Deflate({ level: level as FflateLevel }, (part) => parts.push(part));
  deflate.push(bytes, final);
  if (!final) parts.push(flushed(deflate));
  return concat(parts);
}

/** The bits of the output's last byte that fflate keeps to itself: how many in the lowest three, the byte above. */
interface OpenByte {
  s: { r?: number };
}

/**
 * RFC 1951, 3.2.4: an empty stored block, which ends on a byte. fflate 0.8 writes one of its own on `flush(true)`, and in the wrong place
 * wherever the open byte is not zero.
 */
function flushed(deflate: Deflate): Uint8Array {
  deflate.flush(false);
  const { r: open = 0 } = (deflate as unknown as OpenByte).s;
  const lengths = [0, 0, 0xff, 0xff];
  // The block's three bits of header may need another byte.
  return Uint8Array.from((open & 7) > 5 ? [open >> 3, 0, ...lengths] : [open >> 3, ...lengths]);
}

async function inflateWhole(bytes: Uint8Array, size: number): Promise<Uint8Array | null> {
  if (bytes.length <= inflateStep) return inflateNow(bytes, size);
  const stream = new FflateInflate();
  const parts: Uint8Array[] = [];
  let found = 0;
  try {
    for await (const part of stream.inflate([bytes])) {
      found += part.length;
      if (found > size) return null;
      parts.push(part);
    }
  } catch {
    return null;
  }
  return found === size && stream.bytesUsed === bytes.length ? concat(parts) : null;
}

/** What fflate makes room for beyond what it has inflated: with less of it the output would be moved to a larger array first. */
const inflateRoom = 131_072;
let again: { inflate: Inflate; scratch: Uint8Array; content: Uint8Array } | undefined;

/**
 * As `Codec.inflate`, at once, for at most 16 KB: five times as fast as a stream. One inflater serves them all, because what each would
 * allocate is ten times what it inflates. Nothing of the one before shows: it lies out of reach for distances that end at the beginning.
 */
export function inflateNow(bytes: Uint8Array, size: number): Uint8Array | null {
  again ??= {
    inflate: new Inflate((part) => (again!.content = part)),
    scratch: new Uint8Array(4 * inflateRoom),
    content: nothing,
  };
  const inner = again.inflate as unknown as Inner;
  Object.assign(inner, { s: { i: 0, b: 0 }, o: again.scratch, p: nothing, d: false });
  try {
    again.inflate.push(bytes, true);
  } catch {
    return null;
  }
  const { s: state, p: rest } = inner;
  const used = bytes.length - rest.length + ((state.p ?? 0) > 0 ? 1 : 0);
  return state.f && used === bytes.length && again.content.length === size ? again.content : null;
}

const nothing = new Uint8Array(0);

/**
 * What fflate keeps to itself and a strict reader must know: the input it has not used (`p`), how many bits of its first byte it has
 * used (`s.p`), whether the block read is the last one (`s.f`), and the code of a block that it is in the middle of (`s.l`). The codec's
 * tests pin them.
 */
interface Inner {
  p: Uint8Array;
  s: { p?: number; f?: number; l?: unknown };
}

class FflateInflate implements InflateStream {
  readonly #isOpenEnded: boolean;
  bytesUsed = 0;

  constructor({ isOpenEnded = false } = {}) {
    this.#isOpenEnded = isOpenEnded;
  }

  async *inflate(input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const parts: Uint8Array[] = [];
    const inflate = new Inflate((part) => parts.push(part));
    const { s: state } = inflate as unknown as Inner;
    // What follows the end would be copied piece by piece.
    const isOver = () => this.#isOpenEnded && Boolean(state.f) && !state.l;
    let given = 0;
    for await (const piece of input) {
      for (let at = 0; at < piece.length && !isOver(); at += inflateStep) {
        const step = piece.subarray(at, at + inflateStep);
        given += step.length;
        pushed(inflate, step, false);
        yield* parts.splice(0);
      }
      if (isOver()) break;
    }
    // fflate takes nothing at all for a stream that has ended.
    if (given === 0) throw new BackupError("ZIP_BAD_RECORD", "the compressed data is empty");
    pushed(inflate, new Uint8Array(0), true);
    yield* parts.splice(0);
    const { p: rest } = inflate as unknown as Inner;
    if (!state.f) throw new BackupError("ZIP_BAD_RECORD", "the compressed data has no last block");
    this.bytesUsed = given - rest.length + ((state.p ?? 0) > 0 ? 1 : 0);
  }
}

function pushed(inflate: Inflate, bytes: Uint8Array, final: boolean): void {
  try {
    inflate.push(bytes, final);
  } catch (cause) {
    throw new BackupError("ZIP_BAD_RECORD", (cause as Error).message, {}, { cause });
  }
}
