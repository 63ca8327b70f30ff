import { ColumnLookup, RowFields, scanRow } from "../json/row.ts";
import { incomplete, JsonSyntaxError, skipKey, skipSpace, skipValue } from "../json/scanner.ts";
import type { ManifestFile } from "./manifest.ts";

export interface FileCounts {
  bundle: number;
  external: number;
  missing: number;
  /** Of the files that the bundle carries, as the manifest states them. */
  bytes: number;
}

/** The manifest's list of files: kept as its text, which takes a third of the memory of objects, and parsed as far as it is looked at. */
export interface ManifestFiles {
  readonly length: number;
  readonly counts: FileCounts;
  /** At most `count` of them, from the 0-based number `from` on. */
  page(from: number, count: number): ManifestFile[];
}

export function filesOf(list: readonly ManifestFile[]): ManifestFiles {
  const counts: FileCounts = { bundle: 0, external: 0, missing: 0, bytes: 0 };
  for (const { stored, size } of list) {
    counts[stored]++;
    if (stored === "bundle") counts.bytes += size ?? 0;
  }
  return { length: list.length, counts, page: (from, count) => list.slice(from, from + count) };
}

/** The list found in a manifest's text, and the text without its items. */
export interface FoundFiles {
  files: ManifestFiles;
  rest: Uint8Array;
}

/**
 * Walks the text of a manifest once, checks every file in it and builds none. Gives nothing where the text is not what Holdall writes, for a
 * reader who takes any JSON and says what is wrong with it.
 */
export function findFiles(text: Uint8Array): FoundFiles | undefined {
  try {
    const start = startOfFiles(text);
    if (start === undefined) return undefined;
    const files = new FilesText(text);
    const end = files.scan(start + 1);
    if (end === undefined) return undefined;
    const rest = new Uint8Array(start + 1 + text.length - end);
    rest.set(text.subarray(0, start + 1));
    rest.set(text.subarray(end), start + 1);
    return { files, rest };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

/** Where the list opens. */
function startOfFiles(text: Uint8Array): number | undefined {
  const end = text.length;
  const key = new TextEncoder().encode('"files"');
  let p = skipSpace(text, 0, end);
  if (text[p] !== 0x7b) return undefined;
  for (p = skipSpace(text, p + 1, end); p < end; p = skipSpace(text, p + 1, end)) {
    const value = skipKey(text, p, end);
    if (value === incomplete) return undefined;
    if (key.every((byte, i) => text[p + i] === byte)) return text[value] === 0x5b ? value : undefined;
    p = skipValue(text, value, end);
    if (p === incomplete) return undefined;
    p = skipSpace(text, p, end);
    if (text[p] !== 0x2c) return undefined;
  }
  return undefined;
}

const keys = ["id", "path", "object_key", "size", "sha256", "content_type", "stored", "name"] as const;
const required = 0b111_1111;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const storedValues = { bundle: bytesOf('"bundle"'), external: bytesOf('"external"'), missing: bytesOf('"missing"') };
const quote = 0x22;
/** The `n` of null, where the scanner has seen to the rest. */
const nullStart = 0x6e;

class FilesText implements ManifestFiles {
  readonly counts: FileCounts = { bundle: 0, external: 0, missing: 0, bytes: 0 };
  length = 0;
  readonly #text: Uint8Array;
  readonly #fields = new RowFields();
  readonly #lookup = new ColumnLookup(keys);
  /** Where each item begins, and where the list ends. */
  #starts = new Uint32Array(64);

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  /** Walks the items; gives the position of the closing bracket, or nothing where an item is not plain. */
  scan(position: number): number | undefined {
    const text = this.#text;
    const end = text.length;
    let p = skipSpace(text, position, end);
    if (text[p] === 0x5d) return p;
    for (; p < end; p = skipSpace(text, p + 1, end)) {
      this.#begin(p);
      p = scanRow(text, p, end, this.#fields);
      if (p === incomplete || !this.#isPlain()) return undefined;
      p = skipSpace(text, p, end);
      if (text[p] === 0x5d) return this.#end(p);
      if (text[p] !== 0x2c) return undefined;
    }
    return undefined;
  }

  #begin(p: number): void {
    if (this.length + 1 === this.#starts.length) {
      const grown = new Uint32Array(this.#starts.length * 2);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[this.length++] = p;
  }

  #end(p: number): number {
    this.#starts[this.length] = p;
    return p;
  }

  /** Every key known and once, every value of its kind; counts the file. */
  #isPlain(): boolean {
    const { count, keyStart, keyEnd, valueStart, valueEnd } = this.#fields;
    let seen = 0;
    let size = 0;
    let stored: keyof typeof storedValues | undefined;
    for (let i = 0; i < count; i++) {
      const key = this.#lookup.find(this.#text, keyStart[i]!, keyEnd[i]!, i);
      if (key === -1 || seen & (1 << key)) return false;
      seen |= 1 << key;
      const [start, end] = [valueStart[i]!, valueEnd[i]!];
      if (keys[key] === "size") size = this.#size(start, end);
      else if (keys[key] === "stored") stored = this.#stored(start, end);
      else if (!this.#isText(keys[key]!, start, end)) return false;
    }
    if ((seen & required) !== required || stored === undefined || size < 0) return false;
    this.counts[stored]++;
    if (stored === "bundle") this.counts.bytes += size;
    return true;
  }

  #isText(key: (typeof keys)[number], start: number, end: number): boolean {
    const first = this.#text[start];
    if (key === "path" || key === "content_type") return first === quote || first === nullStart;
    if (key === "sha256") return first === nullStart || (first === quote && this.#isHash(start, end));
    return first === quote && (key !== "id" || end - start > 2);
  }

  #isHash(start: number, end: number): boolean {
    if (end - start !== 66) return false;
    for (let p = start + 1; p < end - 1; p++) {
      const c = this.#text[p]!;
      if (!((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false;
    }
    return true;
  }

  /** -1 for what is not an ordinary whole number. */
  #size(start: number, end: number): number {
    if (this.#text[start] === nullStart) return 0;
    if (end - start > 15) return -1;
    let size = 0;
    for (let p = start; p < end; p++) {
      const digit = this.#text[p]! - 0x30;
      if (digit < 0 || digit > 9) return -1;
      size = size * 10 + digit;
    }
    return size;
  }

  #stored(start: number, end: number): keyof typeof storedValues | undefined {
    for (const [name, bytes] of entriesOfStored) {
      if (bytes.length === end - start && bytes.every((byte, i) => this.#text[start + i] === byte)) return name;
    }
    return undefined;
  }

  page(from: number, count: number): ManifestFile[] {
    const to = Math.min(from + count, this.length);
    if (from >= to) return [];
    const text = utf8.decode(this.#text.subarray(this.#starts[from], this.#starts[to]));
    // Behind the last of them there may be a comma.
    return JSON.parse(`[${text.slice(0, text.lastIndexOf("}") + 1)}]`) as ManifestFile[];
  }
}

const entriesOfStored = Object.entries(storedValues) as [keyof typeof storedValues, Uint8Array][];
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
