import { createHash } from "node:crypto";

/** Holdall's own folder in a store: unfinished objects, and those whose key makes no path. */
export const privateFolder = ".holdall";
export const unfinishedFolder = [privateFolder, "unfinished"] as const;
export const keysFolder = [privateFolder, "keys"] as const;

/** Every file system takes 255 bytes; a program that copies the store may append to a name. */
const longestSegment = 200;
const longestPath = 1_000;

/** `a/b.png` is the file a/b.png; a key that is no plain path, or could leave the folder, has none. */
export function pathOf(key: string): string[] | null {
  if (!key.isWellFormed() || Buffer.byteLength(key) > longestPath || /[\u0000-\u001f\u007f-\u009f\\]/.test(key)) return null;
  const segments = key.split("/");
  if (segments[0] === privateFolder || !segments.every(isPlain)) return null;
  return segments;
}

/** "", ".", ".." and names that some systems shorten (a dot or space at the end) are not. */
function isPlain(segment: string): boolean {
  return segment !== "" && !/[. ]$/.test(segment) && Buffer.byteLength(segment) <= longestSegment;
}

/** How a key is recorded beside its object: JSON keeps half surrogate pairs apart, which UTF-8 makes equal. */
export function recordOf(key: string): string {
  return JSON.stringify(key);
}

/** The folder of an object whose key makes no path, or whose path another key's file or folder takes. */
export function hashedFolder(key: string): string[] {
  const hash = createHash("sha256").update(recordOf(key)).digest("hex");
  return [...keysFolder, hash.slice(0, 2), hash];
}
