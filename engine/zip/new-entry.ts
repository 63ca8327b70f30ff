import type { EntryInput } from "../container.ts";
import { BackupError } from "../errors.ts";
import { printableName } from "../paths.ts";
import { max32 } from "./records.ts";
import type { WrittenEntry } from "./write-records.ts";

/** Above this a deflated entry may come to need 64-bit sizes. */
const zip64From = max32 - 64 * 1024 * 1024;
const encoder = new TextEncoder();

/** What is known of an entry before its content. */
export function newEntry(input: EntryInput): WrittenEntry {
  const directory = input.path.endsWith("/");
  const name = encoder.encode(input.path);
  return { name, directory, deflated: false, deferred: false, zip64: false, crc32: 0, size: 0, storedSize: 0, headerOffset: 0 };
}

/** Without a size that is known to fit, the local header must announce 64-bit sizes: it is written before they are known. */
export function deferredEntry(input: EntryInput): WrittenEntry {
  return { ...newEntry(input), deflated: true, deferred: true, zip64: input.size === undefined || input.size >= zip64From };
}

/** A body must be as long as announced, and a folder's empty. */
export function assertSize(input: EntryInput, size: number): void {
  const isAnnounced = input.size === undefined || input.size === size;
  if (isAnnounced && (size === 0 || !input.path.endsWith("/"))) return;
  const entry = printableName(input.path);
  const message = isAnnounced
    ? `the folder "${entry}" has content`
    : `"${entry}" was announced with ${input.size} bytes and gave ${size}; it changed while it was read`;
  throw new BackupError("INTEGRITY_SIZE", message, { entry });
}
