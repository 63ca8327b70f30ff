import { giveBlock } from "../block-pool.ts";
import type { Codec, PackedBatch, PackedBlock, PackedPiece } from "../codec.ts";

/** Samples are taken at this many places, each this long. */
const samples = 4;
const sampleLength = 4096;
/** Bytes of each sample that are counted, spread over it: of a thousand random bytes the frequencies tell 7.8 bits a byte. */
const counted = 256;
/** Bits a byte: text and rows have 4 to 6, compressed or encrypted content nearly as many as the bytes counted allow. */
const suspiciousEntropy = 7.6;
/** Below this, trying costs less than knowing. */
const smallest = 8 * 1024;

/** Less than this much smaller is not worth inflating again. */
const worthwhile = 0.97;

/**
 * A sample to try deflating before `bytes` are deflated, or `undefined` where that would tell nothing: too few bytes, or
 * bytes so uneven that they surely shrink. Random bytes deflate at a fifteenth of the speed at which they are stored.
 */
export function sampleOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < smallest) return undefined;
  const length = Math.min(sampleLength, Math.floor(bytes.length / samples));
  const places = Array.from({ length: samples }, (_, i) => Math.floor(((bytes.length - length) * i) / (samples - 1)));
  if (entropyAt(bytes, places, length) < suspiciousEntropy) return undefined;
  const sample = new Uint8Array(samples * length);
  for (const [i, at] of places.entries()) sample.set(bytes.subarray(at, at + length), i * length);
  return sample;
}

/** Even bytes alone are no proof (they may repeat): the sample's deflated length decides. */
export function isIncompressibleSample(sample: Uint8Array, deflatedLength: number): boolean {
  return deflatedLength > sample.length * worthwhile;
}

/** Whether deflating would gain next to nothing, judged by samples. */
export async function isIncompressible(bytes: Uint8Array, codec: Codec): Promise<boolean> {
  const sample = sampleOf(bytes);
  return sample !== undefined && isIncompressibleSample(sample, (await codec.deflate(sample, { level: 1, final: true })).length);
}

const counts = new Uint16Array(256);
/** n log₂ n by n. */
const timesLog = Float64Array.from({ length: samples * counted + 1 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)));

/** Shannon entropy of the frequencies of bytes in the samples at `places`, in bits. */
function entropyAt(bytes: Uint8Array, places: readonly number[], length: number): number {
  counts.fill(0);
  // Odd, so that of numbers that lie one behind the other not always the same byte counts.
  const step = (Math.floor(length / counted) - 1) | 1;
  for (const at of places) for (let i = 0; i < counted; i++) counts[bytes[at + i * step]!]!++;
  const total = places.length * counted;
  let bits = timesLog[total]!;
  for (let value = 0; value < counts.length; value++) bits -= timesLog[counts[value]!]!;
  return bits / total;
}

const storedBlockMax = 0xffff;
const storedHeader = 5;

/** Bytes that `storedBlocks` makes of this many. */
export function storedLength(length: number): number {
  return length + Math.ceil(length / storedBlockMax) * storedHeader;
}

/** RFC 1951, 3.2.4: bytes as deflate blocks without compression, none of them final. Ends byte-aligned. */
export function storedBlocks(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(storedLength(bytes.length));
  out.set(bytes);
  return storedInPlace(out, bytes.length);
}

/** As `storedBlocks`, of the first `length` bytes of memory that has room for the headers; from the last block to the first. */
export function storedInPlace(memory: Uint8Array, length: number): Uint8Array {
  for (let i = Math.ceil(length / storedBlockMax) - 1; i >= 0; i--) {
    const start = i * storedBlockMax;
    const size = Math.min(storedBlockMax, length - start);
    const at = i * (storedBlockMax + storedHeader);
    memory.copyWithin(at + storedHeader, start, start + size);
    // +0 BFINAL and BTYPE, both 0; +1 LEN; +3 its complement
    memory[at] = 0;
    memory[at + 1] = size & 0xff;
    memory[at + 2] = size >> 8;
    memory[at + 3] = ~size & 0xff;
    memory[at + 4] = ~(size >> 8) & 0xff;
  }
  return memory.subarray(0, storedLength(length));
}

/** RFC 1951, 3.2.6: an empty last block, fixed codes. Ends a stream of byte-aligned blocks. */
export const lastBlock: Readonly<Uint8Array> = Uint8Array.of(3, 0);

/** As `storedBlocks`; they take the place of the content where its memory has room for them, as the pool's blocks always have. */
export function storedOver(content: Uint8Array): Uint8Array {
  const memory = new Uint8Array(content.buffer as ArrayBuffer, content.byteOffset);
  return storedLength(content.length) <= memory.length ? storedInPlace(memory, content.length) : storedBlocks(content);
}

/** `Codec.packBlock` for codecs that have no better way. */
export async function packBlockEach(bytes: Uint8Array, level: number, codec: Codec): Promise<PackedBlock> {
  const crc32 = codec.crc32(bytes);
  if (level === 0 || (await isIncompressible(bytes, codec))) return { bytes: storedOver(bytes), crc32 };
  const packed = await codec.deflate(bytes, { level, final: false });
  giveBlock(bytes);
  return { bytes: packed, crc32 };
}

/** `Codec.packBatch` for codecs that have no better way. Packed pieces are never longer than the content, whose place they take. */
export async function packEach(bytes: Uint8Array, lengths: readonly number[], level: number, codec: Codec): Promise<PackedBatch> {
  const pieces: PackedPiece[] = [];
  let from = 0;
  let to = 0;
  for (const length of lengths) {
    const content = bytes.subarray(from, from + length);
    const crc32 = codec.crc32(content);
    const deflated = await deflateWhole(content, level, codec);
    const packed = deflated ?? content;
    if (deflated !== undefined || to < from) bytes.set(packed, to);
    pieces.push({ length: packed.length, deflated: deflated !== undefined, crc32 });
    from += length;
    to += packed.length;
  }
  return { bytes: bytes.subarray(0, to), pieces };
}

/** Deflated where that makes it smaller, `undefined` where it does not. */
async function deflateWhole(bytes: Uint8Array, level: number, codec: Codec): Promise<Uint8Array | undefined> {
  if (level === 0 || bytes.length === 0 || (await isIncompressible(bytes, codec))) return undefined;
  const deflated = await codec.deflate(bytes, { level, final: true });
  return deflated.length < bytes.length ? deflated : undefined;
}
