import type { Codec, Sha256 } from "../../engine/codec.ts";
import type { HashedPart } from "./pool-protocol.ts";

/** The hashing of contents whose parts come in blocks, many of them whole in one. */
export class PartHashes {
  readonly #codec: Codec;
  /** Of contents that have begun in one block and end in a later one. */
  readonly #open = new Map<number, Sha256>();

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** What is known of contents that end here, in lowercase hex. */
  async hash(bytes: Uint8Array, parts: readonly HashedPart[]): Promise<[number, string][]> {
    const whole: { content: number; bytes: Uint8Array }[] = [];
    const found: [number, string][] = [];
    let at = 0;
    for (const { content, length, last } of parts) {
      const part = bytes.subarray(at, at + length);
      at += length;
      if (last && !this.#open.has(content)) whole.push({ content, bytes: part });
      else {
        const sha256 = await this.#updated(content, part, last);
        if (sha256 !== undefined) found.push([content, sha256]);
      }
    }
    const hashes = await this.#hashMany(whole.map((message) => message.bytes));
    return [...found, ...whole.map(({ content }, i): [number, string] => [content, hashes[i]!])];
  }

  async #updated(content: number, part: Uint8Array, last: boolean): Promise<string | undefined> {
    const hash = this.#open.get(content) ?? (await this.#codec.createSha256());
    this.#open.set(content, hash);
    hash.update(part);
    if (!last) return undefined;
    this.#open.delete(content);
    return hash.digest();
  }

  async #hashMany(messages: readonly Uint8Array[]): Promise<string[]> {
    const { sha256Many } = this.#codec;
    if (sha256Many !== undefined) return sha256Many(messages.map((message) => [message]));
    return Promise.all(messages.map((message) => this.#codec.sha256(message)));
  }
}
