import { skipSpace, skipString } from "../../engine/json/scanner.ts";

const key = new TextEncoder().encode('"$json"');

/**
 * `{"$json":"…"}` holds a document as its exact text, where embedding it would lose something (docs/format.md, "Values").
 * Gives where the text lies, without its quotes, or `null` for any other document.
 */
export function wrappedText(bytes: Uint8Array, start: number, end: number): { start: number; end: number } | null {
  if (bytes[start] !== 0x7b) return null;
  const name = skipSpace(bytes, start + 1, end);
  if (!key.every((byte, i) => bytes[name + i] === byte)) return null;
  const colon = skipSpace(bytes, name + key.length, end);
  const value = skipSpace(bytes, colon + 1, end);
  if (bytes[value] !== 0x22) return null;
  const behind = skipString(bytes, value, end);
  return skipSpace(bytes, behind, end) === end - 1 ? { start: value + 1, end: behind - 1 } : null;
}
