import { createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync, constants as zlib } from "node:zlib";

/**
 * zlib's functions make an engine, a stream object and a buffer for every call, which for an entry of 8 KB takes longer than
 * inflating it. The engine below a stream can be used again, through members that Node does not document: each is tried
 * once on known bytes, and where it is not as expected, the documented functions do the work.
 */
interface Engine {
  reset(): void;
  writeSync(flush: number, from: Uint8Array, at: number, length: number, to: Uint8Array, start: number, room: number): void;
  onerror: () => void;
}

interface EngineStream {
  _handle: Engine;
  /** After a write: bytes of room left, bytes of input left. */
  _writeState: Uint32Array;
}

class ReusedEngine {
  readonly #engine: Engine;
  readonly #state: Uint32Array;
  #failed = false;

  constructor(stream: object) {
    const { _handle, _writeState } = stream as EngineStream;
    this.#engine = _handle;
    this.#state = _writeState;
    this.#engine.onerror = () => {
      this.#failed = true;
    };
  }

  /** Bytes written to `to`, or `null` where not all of `from` was one whole piece that left room to spare. */
  run(from: Uint8Array, to: Uint8Array, flush: number): number | null {
    this.#failed = false;
    this.#engine.reset();
    this.#engine.writeSync(flush, from, 0, from.length, to, 0, to.length);
    const [room, left] = this.#state as unknown as [number, number];
    return this.#failed || left > 0 || room === 0 ? null : to.length - room;
  }
}

const spare = 64 * 1024;
let scratch = new Uint8Array(0);

/** Memory that the next call uses again. */
function room(length: number): Uint8Array {
  if (scratch.length < length) scratch = new Uint8Array(length + spare);
  return scratch.subarray(0, length);
}

/** zlib's largest hash tables: a tenth faster than its default, and a little smaller, for 128 KB more. */
const memLevel = 9;

const deflaters = new Map<number, ReusedEngine | null>();
let inflater: ReusedEngine | null | undefined;

/** One raw deflate stream, or a byte-aligned part of one; valid until the next call of either function. */
export function deflateNow(bytes: Uint8Array, level: number, final: boolean): Uint8Array {
  const finishFlush = final ? zlib.Z_FINISH : zlib.Z_SYNC_FLUSH;
  const engine = deflaterOf(level);
  // Above zlib's own bound for any input at any level.
  const to = room(bytes.length + (bytes.length >> 3) + 1024);
  const length = engine?.run(bytes, to, finishFlush) ?? null;
  if (length !== null) return to.subarray(0, length);
  return deflateRawSync(bytes, { level, memLevel, finishFlush });
}

/**
 * `null` unless `bytes` is one whole stream of exactly `size` bytes; valid until the next call of either function. Output is bounded
 * by one byte more, which is enough to know a lie.
 */
export function inflateNow(bytes: Uint8Array, size: number): Uint8Array | null {
  inflater ??= tried(() => new ReusedEngine(createInflateRaw()), inflatesAsExpected);
  if (inflater === null) return inflateWhole(bytes, size);
  const to = room(size + 1);
  return inflater.run(bytes, to, zlib.Z_FINISH) === size ? to.subarray(0, size) : null;
}

function inflateWhole(bytes: Uint8Array, size: number): Uint8Array | null {
  try {
    const { buffer, engine } = inflateRawSync(bytes, { maxOutputLength: size + 1, info: true }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return buffer.length === size && engine.bytesWritten === bytes.length ? buffer : null;
  } catch {
    return null;
  }
}

function deflaterOf(level: number): ReusedEngine | null {
  let engine = deflaters.get(level);
  if (engine === undefined) {
    engine = tried(() => new ReusedEngine(createDeflateRaw({ level, memLevel })), deflatesAsExpected);
    deflaters.set(level, engine);
  }
  return engine;
}

function tried(make: () => ReusedEngine, asExpected: (engine: ReusedEngine) => boolean): ReusedEngine | null {
  try {
    const engine = make();
    return asExpected(engine) ? engine : null;
  } catch {
    return null;
  }
}

const sample = new TextEncoder().encode("tried once, tried twice, tried three times");

function deflatesAsExpected(engine: ReusedEngine): boolean {
  const to = new Uint8Array(256);
  const lengths = [1, 2].map(() => engine.run(sample, to, zlib.Z_FINISH));
  const whole = lengths.every((length) => length !== null && inflateWhole(to.subarray(0, length), sample.length) !== null);
  return whole && engine.run(sample, to.subarray(0, 4), zlib.Z_FINISH) === null;
}

function inflatesAsExpected(engine: ReusedEngine): boolean {
  const stream = deflateRawSync(sample);
  const to = new Uint8Array(sample.length + 1);
  const bad = [stream.subarray(0, -1), Uint8Array.from([...stream, 0]), Uint8Array.of(7), new Uint8Array(0)];
  const good = () => engine.run(stream, to, zlib.Z_FINISH) === sample.length;
  return good() && bad.every((bytes) => engine.run(bytes, to, zlib.Z_FINISH) === null && good());
}
