import { BackupError, type ErrorCode } from "./errors.ts";

/**
 * The rules for entry names. A name is refused rather than repaired: two programs that repair differently see two
 * different archives. What is accepted means the same file on Linux, macOS and Windows.
 */

export const maxPathBytes = 4096;
/** NAME_MAX of the common file systems. */
export const maxSegmentBytes = 255;
export const maxPathDepth = 128;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Names that are plain in every respect, so that the costly rules need not be tried: most of the names there are. */
const plainSegment = /^[A-Za-z0-9_](?:[A-Za-z0-9_.\- ]*[A-Za-z0-9_-])?$/;
/** Windows opens the device whatever the extension, and ignores spaces before the dot. */
const deviceName = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9]|lpt[0-9]) *(?:[.:]|$)/i;
/** Best-fit mapping or NFKC turns these into a slash, a backslash, a dot or a colon. U+2044 to U+29F9 have no NFKC form of that kind. */
const lookalike = /[\u2044\u2215\u2216\u2236\u29f5\u29f8\u29f9\u2024\u2025\ufe30\uff0e\ufe52\uff0f\uff3c\ufe68]/;
/** Invisible in a listing, and ignored by some file systems. Variation selectors belong to ordinary emoji and stay. */
const invisible = /(?![\ufe00-\ufe0f\u{e0100}-\u{e01ef}])[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufeff]/u;
const control = /[\p{Cc}\u2028\u2029]/u;
/** A later layer that decodes would see a separator, a dot or a NUL; `%25` covers decoding twice. */
const percentEncoded = /%(?:25)*(?:2e|2f|5c|00)/i;
const ignorable = /[\p{Default_Ignorable_Code_Point}]/gu;

/** For messages: a hostile name must not reach a terminal or a page as it is. */
export function printableName(name: string): string {
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  return shown.replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

function refuse(code: ErrorCode, path: string, found: string, offset?: number): never {
  const entry = printableName(path);
  throw new BackupError(code, `the name "${entry}" ${found}; rename the entry and pack the archive again`, {
    entry,
    ...(offset === undefined ? {} : { offset }),
  });
}

/**
 * The path of an entry whose name was stored as `bytes`: at most 4096 bytes of UTF-8 that pass `assertPath`.
 * Fails with a `PATH_` code; `offset` is where the name's record lies in the container, for the error.
 */
export function decodePath(bytes: Uint8Array, offset?: number): string {
  if (bytes.length > maxPathBytes) {
    refuse("PATH_RESERVED", latin1(bytes.subarray(0, 64)), `is ${bytes.length} bytes long, more than ${maxPathBytes}`, offset);
  }
  let path: string;
  try {
    path = utf8.decode(bytes);
  } catch {
    return refuse("PATH_ENCODING", latin1(bytes), "is not valid UTF-8", offset);
  }
  assertPath(path, offset);
  return path;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 256));
}

/** Fails with a `PATH_` code unless `path` is a relative, canonical path that every system reads alike. A final slash is a folder. */
export function assertPath(path: string, offset?: number): void {
  if (path.length * 3 > maxPathBytes && encoder.encode(path).length > maxPathBytes) {
    refuse("PATH_RESERVED", path, `is longer than ${maxPathBytes} bytes`, offset);
  }
  assertRelative(path, offset);
  const segments = (path.endsWith("/") ? path.slice(0, -1) : path).split("/");
  if (segments.length > maxPathDepth) refuse("PATH_RESERVED", path, `lies deeper than ${maxPathDepth} folders`, offset);
  for (const segment of segments) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) refuse(problem[0], path, problem[1], offset);
  }
}

function assertRelative(path: string, offset?: number): void {
  if (path === "" || path === "/") refuse("PATH_RESERVED", path, "is empty", offset);
  if (/^(?:[/\\]|[A-Za-z]:)/.test(path))
    refuse("PATH_ABSOLUTE", path, "is absolute, or names a drive or a network share", offset);
  if (path.includes("\\")) {
    const climbs = path.split(/[/\\]/).includes("..");
    refuse(
      climbs ? "PATH_TRAVERSAL" : "PATH_RESERVED",
      path,
      "holds a backslash, which some systems read as a separator",
      offset,
    );
  }
}

type Problem = readonly [ErrorCode, string];

/** Whether a name is one segment of a path that every system reads alike. */
export function isSafeSegment(name: string): boolean {
  return !/[/\\]/.test(name) && segmentProblem(name) === undefined;
}

/** What is wrong with one segment of a path, if anything. */
function segmentProblem(segment: string): Problem | undefined {
  if (segment.length <= maxSegmentBytes && plainSegment.test(segment)) {
    return deviceName.test(segment) ? ["PATH_RESERVED", "is a device name on Windows"] : undefined;
  }
  return traversalProblem(segment) ?? encodingProblem(segment) ?? reservedProblem(segment);
}

function traversalProblem(segment: string): Problem | undefined {
  if (segment === "..") return ["PATH_TRAVERSAL", 'climbs out of its folder with ".."'];
  if (segment === "." || segment === "") return ["PATH_TRAVERSAL", 'has an empty or "." segment'];
  return undefined;
}

function encodingProblem(segment: string): Problem | undefined {
  if (control.test(segment)) return ["PATH_ENCODING", "holds a control character"];
  if (/\p{Surrogate}/u.test(segment)) return ["PATH_ENCODING", "holds half of a surrogate pair"];
  if (invisible.test(segment)) return ["PATH_ENCODING", "holds an invisible or direction-changing character"];
  if (percentEncoded.test(segment)) return ["PATH_ENCODING", "holds a percent-encoded separator, dot or NUL"];
  if (looksLikeSeparator(segment)) return ["PATH_ENCODING", "holds a character that is taken for a separator, a dot or a colon"];
  return undefined;
}

function looksLikeSeparator(segment: string): boolean {
  if (lookalike.test(segment)) return true;
  const compatible = segment.normalize("NFKC");
  if (compatible === segment) return false;
  return /[/\\\0]/.test(compatible) || (compatible.includes(":") && !segment.includes(":")) || /^\.+$/.test(compatible);
}

function reservedProblem(segment: string): Problem | undefined {
  if (segment.includes(":")) return ["PATH_RESERVED", "holds a colon (a drive or an alternate data stream on Windows)"];
  if (/[*?"<>|]/.test(segment)) return ["PATH_RESERVED", 'holds one of * ? " < > | that Windows does not allow'];
  if (/[. ]$/.test(segment)) return ["PATH_RESERVED", "has a segment that ends in a dot or a space, which Windows removes"];
  if (deviceName.test(segment.normalize("NFKC"))) return ["PATH_RESERVED", "is a device name on Windows"];
  if (segment.length * 3 > maxSegmentBytes && encoder.encode(segment).length > maxSegmentBytes) {
    return ["PATH_RESERVED", `has a segment longer than ${maxSegmentBytes} bytes`];
  }
  return undefined;
}

/**
 * Two paths with the same key are one file on some system: case folding (by way of both cases, so that ß meets ss and
 * final sigma meets sigma), compatibility normalisation, ignorable characters. Slashes become U+0000, lower than any
 * character of a name, so that sorting puts a folder right before what it holds.
 */
export function collisionKey(path: string): string {
  return folded(path).replaceAll("/", "\0");
}

/** The key with its slashes: of most paths they are the path itself, which takes no memory. */
function folded(path: string): string {
  const name = path.endsWith("/") ? path.slice(0, -1) : path;
  return /^[\x00-\x7f]*$/.test(name) ? name.toLowerCase() : foldUnicode(foldUnicode(name));
}

function foldUnicode(text: string): string {
  return text.normalize("NFKD").replace(ignorable, "").toLowerCase().toUpperCase().toLowerCase().normalize("NFKD");
}

/**
 * Fails with `PATH_DUPLICATE` when two entries would be one file, or a file is another entry's folder. Sorting keeps this
 * n log n in time and one key an entry in memory, whatever the depth (an index of every parent folder is quadratic: CVE-2025-61728).
 */
export function assertNoCollisions(paths: readonly string[]): void {
  const keys = paths.map(folded);
  // Places instead of pairs of path and key: an object an entry would take more memory than the keys. In an array of numbers and not of
  // 32 bits each, whose sort compares as often where all is in order already, as it is in most archives.
  const sorted = Array.from(paths, (_, i) => i).sort((a, b) => compare(keys[a]!, keys[b]!));
  for (let i = 1; i < sorted.length; i++) {
    const [before, keyBefore] = [paths[sorted[i - 1]!]!, keys[sorted[i - 1]!]!];
    const [path, key] = [paths[sorted[i]!]!, keys[sorted[i]!]!];
    if (key === keyBefore) refuse("PATH_DUPLICATE", path, `names the same file as "${printableName(before)}"`);
    if (!before.endsWith("/") && key.charCodeAt(keyBefore.length) === slash && key.startsWith(keyBefore)) {
      refuse("PATH_DUPLICATE", path, `needs a folder where "${printableName(before)}" is a file`);
    }
  }
}

const slash = 0x2f;

/** The order of collision keys. */
function compare(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return left === slash ? -1 : right === slash ? 1 : left - right;
  }
  return a.length - b.length;
}

const safeNameBytes = 100;
const extensionBytes = 16;

/**
 * One path segment of at most 100 bytes for an object that was stored as `name`: allowed characters and the extension
 * are kept, the rest becomes "_". The same name always gives the same segment, never an empty one; different names may give the same.
 */
export function safeObjectName(name: string): string {
  const cleaned = [...name.normalize("NFC")]
    .map((c) => (c === "/" || c === "\\" || segmentProblem(`a${c}a`) !== undefined ? "_" : c))
    .join("");
  const shown = cleaned.replace(/%/g, "_").replace(/[. ]+$/, "_");
  const allowed = deviceName.test(shown.normalize("NFKC")) ? `_${shown}` : shown;
  const safe = encoder.encode(allowed).length > safeNameBytes ? shortened(allowed) : allowed;
  return safe === "" || segmentProblem(safe) !== undefined ? "object" : safe;
}

function shortened(name: string): string {
  const dot = name.lastIndexOf(".");
  const found = dot > 0 ? name.slice(dot) : "";
  const extension = encoder.encode(found).length <= extensionBytes ? found : "";
  const stem = name.slice(0, name.length - extension.length);
  return cutToBytes(stem, safeNameBytes - encoder.encode(extension).length).replace(/[. ]+$/, "_") + extension;
}

function cutToBytes(text: string, limit: number): string {
  let bytes = 0;
  let cut = "";
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > limit) break;
    cut += character;
  }
  return cut;
}
