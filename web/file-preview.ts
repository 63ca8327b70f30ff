/** What a file's content can be shown as. Nothing else is shown, whatever the bundle calls it. */
export type Preview =
  | { kind: "image"; url: string; type: string }
  | { kind: "text"; text: string; cut: boolean }
  | { kind: "none"; why: string };

/** Laying out more takes longer than a page may stand still. */
const shownText = 128 * 1024;

/** By their first bytes. No SVG: it is a document. */
const images: [type: string, matches: (bytes: Uint8Array) => boolean][] = [
  ["image/png", (bytes) => starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ["image/jpeg", (bytes) => starts(bytes, [0xff, 0xd8, 0xff])],
  ["image/gif", (bytes) => starts(bytes, [0x47, 0x49, 0x46, 0x38])],
  ["image/webp", (bytes) => starts(bytes, [0x52, 0x49, 0x46, 0x46]) && starts(bytes.subarray(8), [0x57, 0x45, 0x42, 0x50])],
];

/**
 * A preview of untrusted content: an image by its own first bytes, under that type; else text, where it is UTF-8; else nothing.
 * The caller revokes an image's address.
 */
export async function previewOf(blob: Blob): Promise<Preview> {
  const head = new Uint8Array(await blob.slice(0, 16).arrayBuffer());
  const image = images.find(([, matches]) => matches(head));
  if (image !== undefined)
    return { kind: "image", type: image[0], url: URL.createObjectURL(new Blob([blob], { type: image[0] })) };
  const bytes = new Uint8Array(await blob.slice(0, shownText).arrayBuffer());
  const text = asText(bytes, blob.size > shownText);
  if (text === null) return { kind: "none", why: "This is neither an image nor text." };
  return { kind: "text", text, cut: blob.size > shownText };
}

function starts(bytes: Uint8Array, magic: number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** `null` for what is no text. A cut may have split the last character. */
function asText(bytes: Uint8Array, isCut: boolean): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return null;
  }
}
