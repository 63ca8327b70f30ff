import type { Codec } from "../codec.ts";
import { release } from "../release.ts";
import type { Message } from "../sha256-lanes.ts";

/** Contents up to this size wait for others in memory, to be hashed with them. */
export const heldSize = 4 * 1024 * 1024;
/** So many bytes keep all lanes of a hash busy nearly to their end. */
const enough = 8 * 1024 * 1024;

const worthReleasing = 64 * 1024;

/** Contents that are held in memory and hashed together, where the codec does that faster than one by one. */
export class HashRound {
  readonly #codec: Codec;
  readonly #messages: { parts: Message; own: boolean; done(sha256: string): void }[] = [];
  #bytes = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Whether contents are to be added at all. */
  get works(): boolean {
    return this.#codec.sha256Many !== undefined;
  }

  get isFull(): boolean {
    return this.#bytes >= enough;
  }

  /** The hash, once the round has ended; until then the parts stay as they are. `own`: nobody else looks at them. */
  add(parts: Message, own: boolean): Promise<string> {
    for (const part of parts) this.#bytes += part.length;
    return new Promise((done) => this.#messages.push({ parts, own, done }));
  }

  end(): void {
    const messages = this.#messages.splice(0);
    this.#bytes = 0;
    if (messages.length === 0) return;
    const hashes = this.#codec.sha256Many!(messages.map(({ parts }) => parts));
    for (const [i, { parts, own, done }] of messages.entries()) {
      if (own) for (const part of parts) if (part.length >= worthReleasing) release(part);
      done(hashes[i]!);
    }
  }
}
