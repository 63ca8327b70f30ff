/** An upload that has begun: enough to go on with it after a reload, once the same file is chosen. */
export interface Unfinished {
  /** Of the chosen file. */
  name: string;
  size: number;
  lastModified: number;
  /** Where the upload stands. */
  url: string;
  /** Bytes that are uploaded in all. */
  total: number;
  /** Files that are left out, as `thin` takes them: the same ones give the same bytes. */
  omit: number[];
}

/** More would crowd out what else the page's origin keeps. */
const mostCharacters = 1_000_000;

/** Kept by the browser, one for each installation. */
export class UnfinishedUploads {
  readonly #key: string;

  constructor(base: string) {
    this.#key = `holdall-upload ${base}`;
  }

  read(): Unfinished | null {
    try {
      const { ranges, ...rest } = JSON.parse(localStorage.getItem(this.#key) ?? "null") as Omit<Unfinished, "omit"> & {
        ranges: string;
      };
      return { ...rest, omit: fromRanges(ranges) };
    } catch {
      return null;
    }
  }

  /** Where it cannot be kept, the upload goes on and only cannot be found again. */
  write({ omit, ...rest }: Unfinished): void {
    const ranges = toRanges(omit);
    if (ranges.length > mostCharacters) return;
    try {
      localStorage.setItem(this.#key, JSON.stringify({ ...rest, ranges }));
    } catch {
      // A private window, or no room.
    }
  }

  clear(): void {
    localStorage.removeItem(this.#key);
  }
}

export function isSameFile(unfinished: Unfinished, file: File): boolean {
  return unfinished.name === file.name && unfinished.size === file.size && unfinished.lastModified === file.lastModified;
}

/** `0-4,7` for 0, 1, 2, 3, 4, 7. */
export function toRanges(indexes: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === index) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

export function fromRanges(text: string): number[] {
  if (text === "") return [];
  return text.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
