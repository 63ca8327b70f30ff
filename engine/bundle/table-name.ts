import { isSafeSegment } from "../paths.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A table's name as one path segment that `suffix` follows. Nearly every name stays as it is; in one that a path may not hold
 * (a slash, a colon, a Windows device), characters become `=XX`, two uppercase hexadecimal digits for each byte of UTF-8.
 */
export function encodeSegment(name: string, suffix: string): string {
  const plain = name.replaceAll("=", "=3D");
  if (isSafeSegment(plain + suffix)) return plain;
  const careful = [...name].map((c) => (/[A-Za-z0-9_.-]/.test(c) ? c : escaped(c))).join("");
  return isSafeSegment(careful + suffix) ? careful : escaped(careful[0] ?? "") + careful.slice(1);
}

function escaped(text: string): string {
  return [...encoder.encode(text)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** The reverse of `encodeSegment`; what no encoding gives comes back unchanged. */
export function decodeSegment(segment: string): string {
  if (!segment.includes("=")) return segment;
  const bytes: number[] = [];
  for (let i = 0; i < segment.length; i++) {
    const hex = segment[i] === "=" ? /^[0-9A-F]{2}/.exec(segment.slice(i + 1))?.[0] : undefined;
    if (hex === undefined) bytes.push(...encoder.encode(String.fromCodePoint(segment.codePointAt(i)!)));
    else bytes.push(Number.parseInt(hex, 16));
    if (hex !== undefined) i += 2;
    else if (segment.codePointAt(i)! > 0xffff) i++;
  }
  try {
    return decoder.decode(Uint8Array.from(bytes));
  } catch {
    return segment;
  }
}
