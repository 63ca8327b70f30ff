import { assertRange, type ByteSource } from "./byte-source.ts";
import { BackupError } from "./errors.ts";

/** One request's answer is at most this long; longer reads are several requests. */
const longestRange = 8 * 1024 * 1024;

export interface HttpSourceOptions {
  /** Sent with every request, for instance for authorization. */
  headers?: Record<string, string>;
  /** Where the platform's own will not do. */
  fetch?: typeof fetch;
  signal?: AbortSignal;
}

/**
 * A source over an HTTP resource that serves byte ranges (RFC 9110, section 14). The resource must stay the same while it is
 * read: its length and its strong ETag, where it has one, are checked with every answer.
 * Fails with `IO_SOURCE` when it cannot be reached, serves no ranges or changes.
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const request = async (range: string, offset: number, signal: AbortSignal | undefined, etag?: string) => {
    const headers = { ...options.headers, range: `bytes=${range}`, ...(etag !== undefined && { "if-range": etag }) };
    try {
      return await (options.fetch ?? fetch)(url, { headers, ...(signal && { signal }) });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new BackupError(
        "IO_SOURCE",
        `${url} could not be reached; a page can only read what its server lets pages of other origins read (CORS)`,
        { offset },
        { cause },
      );
    }
  };
  const first = await request("0-0", 0, options.signal);
  await first.body?.cancel();
  const size = first.status === 416 ? emptySize(first) : totalOf(first, url, 0);
  const etag = first.headers.get("etag") ?? undefined;
  const strong = etag?.startsWith("W/") ? undefined : etag;
  const readRange = async (offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> => {
    const response = await request(`${offset}-${offset + length - 1}`, offset, signal, strong);
    const changed = totalOf(response, url, offset) !== size || (strong !== undefined && response.headers.get("etag") !== etag);
    if (changed) {
      await response.body?.cancel();
      throw new BackupError("IO_SOURCE", `${url} changed while it was read; start again`, { offset });
    }
    return bodyOf(response, offset, length, signal);
  };
  return {
    size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange({ size }, offset, length);
      if (length <= longestRange) return length === 0 ? new Uint8Array(0) : readRange(offset, length, signal);
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += longestRange) {
        bytes.set(await readRange(offset + at, Math.min(longestRange, length - at), signal), at);
      }
      return bytes;
    },
  };
}

/** The whole length as an answer with a part of it states it: `Content-Range: bytes 0-0/123`. */
function totalOf(response: Response, url: string | URL, offset: number): number {
  const stated = /^bytes \d+-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (response.status === 206 && stated !== null) return Number(stated[1]);
  const found =
    response.status === 200
      ? "the server sends the file only as a whole: it allows no byte ranges, or does not let this page see Content-Range"
      : `the server answered ${response.status} where a byte range was asked for`;
  throw new BackupError("IO_SOURCE", `${url}: ${found}; download the file, and choose it`, { offset, status: response.status });
}

/** An empty resource has no range that could be satisfied: `Content-Range: bytes *\/0`. */
function emptySize(response: Response): number {
  if (response.headers.get("content-range") === "bytes */0") return 0;
  throw new BackupError("IO_SOURCE", "the server refuses byte ranges", { status: response.status });
}

/** Counted while it arrives: a server that sends more than was asked for costs no more memory than that. */
async function bodyOf(response: Response, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  const reader = response.body!.getReader();
  try {
    for (;;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      if (done + value.length > length) throw new BackupError("IO_SOURCE", "the server sent more than was asked for", { offset });
      bytes.set(value, done);
      done += value.length;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof BackupError) throw cause;
    throw new BackupError("IO_SOURCE", "the connection broke while a range was read", { offset }, { cause });
  } finally {
    await reader.cancel().catch(() => undefined); // it has failed or ended already
  }
  if (done < length) throw new BackupError("IO_SOURCE", `the server sent ${done} of ${length} bytes`, { offset });
  return bytes;
}
