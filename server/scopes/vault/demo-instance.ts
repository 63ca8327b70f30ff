import type { DemoRequest } from "../demo/demo.ts";
import { type Random, Series } from "../demo/random.ts";

export interface DemoOptions extends DemoRequest {
  users: number;
  ciphers: number;
  attachments: number;
}

export const foldersEach = 4;

/** Who belongs to whom in a demo vault. Rows are numbered per table; everything follows from the numbers. */
export class DemoInstance {
  readonly options: DemoOptions;
  readonly users: Series;
  readonly folders: Series;
  readonly ciphers: Series;
  readonly attachments: Series;
  readonly passkeys: Series;
  readonly excluded: Series;
  readonly counts: Record<string, number>;

  constructor(options: DemoOptions) {
    this.options = options;
    const series = (kind: string) => new Series(options.seed, `vault ${kind}`);
    this.users = series("user");
    this.folders = series("folder");
    this.ciphers = series("cipher");
    this.attachments = series("attachment");
    this.passkeys = series("passkey");
    this.excluded = series("excluded");
    const { users, ciphers, attachments } = options;
    this.counts = { users, user_revisions: users, folders: users * foldersEach, ciphers, attachments };
  }

  userOfCipher(cipher: number): number {
    return cipher % this.options.users;
  }

  /** Attachments hang on the first ciphers, and on some more than once. */
  cipherOfAttachment(attachment: number): number {
    return Math.floor((attachment * 2) / 3) % Math.max(1, this.options.ciphers);
  }
}

/** What a client sends instead of a text: an encryption type, and base64 of an initialization vector, a ciphertext and a MAC. */
export function sealed(random: Random, bytes = 32): string {
  const base64 = (length: number) => Buffer.from(random.bytes(length)).toString("base64");
  return `2.${base64(16)}|${base64(bytes)}|${base64(32)}`;
}

export function base64url(random: Random, bytes: number): string {
  return Buffer.from(random.bytes(bytes)).toString("base64url");
}
