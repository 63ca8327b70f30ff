import { readWhole } from "./blob-reader.ts";
import { assertRange, type ByteSource } from "./byte-source.ts";

/** A source over a Blob or File, read in place. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(this, offset, length);
      const bytes = await readWhole(blob.slice(offset, offset + length), offset, length);
      signal?.throwIfAborted();
      return bytes;
    },
  };
}
