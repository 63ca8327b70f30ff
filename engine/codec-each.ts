import { concat } from "./bytes.ts";
import type { CheckOptions, Codec, EntryCheck, Sha256, StoredItem, UnpackedItem, UnpackOptions } from "./codec.ts";
import { release } from "./release.ts";

/** Parts of the codec port made from its other parts, for codecs that have no threads to give batches to. */

type Basics = Pick<Codec, "crc32" | "sha256" | "createSha256" | "inflate" | "createInflate">;

/** Native inflaters work beside the script; more than a few at a time gain nothing. */
const together = 8;
/** Up to this size content is held and hashed at once, where that is faster than hashing by pieces. */
const heldContent = 256 * 1024;

/** Smaller contents are the script's own and not worth the way. */
const worthReleasing = 64 * 1024;

/** `Codec.unpackBatch`. */
export async function unpackEach(
  bytes: Uint8Array,
  items: readonly StoredItem[],
  options: UnpackOptions,
  codec: Basics,
): Promise<(UnpackedItem | null)[]> {
  const unpacked: (UnpackedItem | null)[] = [];
  for (let i = 0; i < items.length; i += together) {
    unpacked.push(...(await Promise.all(items.slice(i, i + together).map((item) => unpackOne(bytes, item, options, codec)))));
  }
  return unpacked;
}

async function unpackOne(
  bytes: Uint8Array,
  item: StoredItem,
  options: UnpackOptions,
  codec: Basics,
): Promise<UnpackedItem | null> {
  const stored = bytes.subarray(item.offset, item.offset + item.storedSize);
  const content = item.deflated ? await codec.inflate(stored, item.size) : stored;
  if (content === null || content.length !== item.size) return null;
  const sha256 = options.sha256 ? await codec.sha256(content) : undefined;
  const crc32 = codec.crc32(content);
  if (!options.content && item.deflated && content.length >= worthReleasing) release(content);
  return { crc32, sha256, content: options.content ? content : undefined };
}

/** `Codec.createCheck`: what is written is pulled by the inflater, one piece at a time. */
export class PulledCheck implements EntryCheck {
  readonly #options: CheckOptions;
  readonly #codec: Basics;
  readonly #stop = new AbortController();
  readonly #outcome: Promise<UnpackedItem | null>;
  /** The piece on offer and what to call once it has been taken; `null` at the end. */
  #offer: { bytes: Uint8Array | null; taken: () => void } | undefined;
  #wake: (() => void) | undefined;
  /** Lets whoever wrote the piece that is being worked on go on. */
  #taken: () => void = () => {};
  #done = false;
  #written = 0;

  constructor(options: CheckOptions, codec: Basics) {
    this.#options = options;
    this.#codec = codec;
    this.#outcome = this.#check()
      .catch(() => null) // what is wrong with the stream shows in the outcome
      .finally(() => {
        this.#done = true;
        this.#taken();
        this.#offer?.taken();
      });
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#written += bytes.length;
    return this.#put(bytes);
  }

  async end(): Promise<UnpackedItem | null> {
    await this.#put(null);
    return this.#outcome;
  }

  cancel(): void {
    this.#stop.abort();
    void this.#put(null);
  }

  #put(bytes: Uint8Array | null): Promise<void> {
    if (this.#done) return Promise.resolve();
    return new Promise((taken) => {
      this.#offer = { bytes, taken };
      this.#wake?.();
    });
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#offer === undefined) await new Promise<void>((wake) => (this.#wake = wake));
      const { bytes, taken } = this.#offer!;
      this.#offer = undefined;
      this.#taken = taken;
      if (bytes === null) return taken();
      yield bytes;
      taken();
    }
  }

  async #check(): Promise<UnpackedItem | null> {
    const { size, deflated, sha256 } = this.#options;
    const inflate = deflated ? this.#codec.createInflate(this.#stop.signal) : undefined;
    const hash = sha256 ? await ContentHash.create(size, this.#codec) : undefined;
    let crc32 = 0;
    let found = 0;
    for await (const piece of inflate?.inflate(this.#pieces()) ?? this.#pieces()) {
      found += piece.length;
      if (found > size) return null;
      crc32 = this.#codec.crc32(piece, crc32);
      hash?.update(piece);
      if (deflated && hash?.holds !== true) release(piece);
    }
    const used = inflate?.bytesUsed ?? this.#written;
    return found === size && used === this.#written ? { crc32, sha256: await hash?.digest() } : null;
  }
}

/** Holds what is small enough, because one call on the whole is faster than many on pieces. */
export class ContentHash {
  readonly #codec: Basics;
  readonly #hash: Sha256 | undefined;
  readonly #held: Uint8Array[] = [];

  private constructor(codec: Basics, hash: Sha256 | undefined) {
    this.#codec = codec;
    this.#hash = hash;
  }

  static async create(size: number, codec: Basics): Promise<ContentHash> {
    return new ContentHash(codec, size <= heldContent ? undefined : await codec.createSha256());
  }

  /** Whether pieces are kept until the end. */
  get holds(): boolean {
    return this.#hash === undefined;
  }

  update(piece: Uint8Array): void {
    if (this.#hash === undefined) this.#held.push(piece);
    else this.#hash.update(piece);
  }

  digest(): string | Promise<string> {
    return this.#hash?.digest() ?? this.#codec.sha256(concat(this.#held));
  }
}
