import { createHash, timingSafeEqual } from "node:crypto";

/** Compares secrets with work that depends on neither of them: digests are of one length. */
export function sameText(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
