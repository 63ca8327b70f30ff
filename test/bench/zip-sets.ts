import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The four sets of files that the ZIP benchmark packs and verifies: A one table of 450 MB, B 20,000 files of 8 KB, C 1 GB of
 * random bytes in 40 files, D 200 MB of rows in 12 files beside 2,000 blobs of 10 KB to 2 MB. The same bytes on every machine.
 */
export const setNames = ["A", "B", "C", "D"] as const;
export type SetName = (typeof setNames)[number];

const MB = 1_000_000;

/** Makes the set under `root` unless it is there already, and returns its folder. `scale` shrinks it for a trial. */
export async function makeSet(root: string, name: SetName, scale = 1): Promise<string> {
  const folder = join(root, `${name}-${scale}`);
  const mark = join(root, `${name}-${scale}.done`);
  if (await stat(mark).catch(() => undefined)) return folder;
  await mkdir(folder, { recursive: true });
  await makers[name](folder, scale);
  await writeFile(mark, "");
  return folder;
}

const makers: Record<SetName, (folder: string, scale: number) => Promise<void>> = {
  A: (folder, scale) => writeRows(join(folder, "table.json"), 450 * MB * scale, new Noise(1)),
  async B(folder, scale) {
    const noise = new Noise(2);
    for (let i = 0; i < 20_000 * scale; i++) {
      const sub = join(folder, `d${i % 50}`);
      if (i < 50) await mkdir(sub);
      await writeFile(join(sub, `file-${i}.json`), mixedText(noise, 8192));
    }
  },
  async C(folder, scale) {
    const noise = new Noise(3);
    for (let i = 0; i < 40; i++) await writeFile(join(folder, `blob-${i}.bin`), noise.bytes(25 * MB * scale));
  },
  async D(folder, scale) {
    const noise = new Noise(4);
    await mkdir(join(folder, "data"));
    await mkdir(join(folder, "files"));
    for (let i = 0; i < 12; i++) await writeRows(join(folder, "data", `table-${i}.json`), (200 * MB * scale) / 12, noise);
    for (let i = 0; i < 2000 * scale; i++) {
      const size = 10_000 + Math.floor(690_000 * noise.fraction() ** 2.5);
      await writeFile(join(folder, "files", `blob-${i}.bin`), noise.bytes(i % 20 === 0 ? 2 * MB : size));
    }
  },
};

/** A small generator (xorshift) whose bytes are the same everywhere and do not compress. */
class Noise {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b9) | 1;
  }

  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  fraction(): number {
    return this.next() / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.next();
    return new Uint8Array(words.buffer, 0, Math.floor(length));
  }
}

const words = "asset scan finding host port service critical medium low open closed certificate expired domain network".split(
  " ",
);

function row(noise: Noise, id: number): string {
  const word = () => words[noise.next() % words.length];
  const time = new Date(1.7e12 + id * 977).toISOString();
  const address = [10, noise.next() % 4, noise.next() % 256, noise.next() % 256].join(".");
  return `{"id":${id},"organization_id":${id % 7},"kind":"${word()}","address":"${address}","title":"${word()} ${word()} ${word()}","seen_at":"${time}","fingerprint":"${noise.next().toString(16).padStart(8, "0")}","attributes":{"source":"${word()}","score":${noise.next() % 100},"active":${noise.next() % 2 === 0}},"notes":null}`;
}

async function writeRows(path: string, bytes: number, noise: Noise): Promise<void> {
  const out = createWriteStream(path);
  let written = out.write("[\n") ? 2 : 2;
  for (let id = 1; written < bytes; ) {
    const lines: string[] = [];
    for (let i = 0; i < 2000; i++, id++) lines.push(row(noise, id));
    const text = `${lines.join(",\n")},\n`;
    written += text.length;
    if (!out.write(text)) await once(out, "drain");
  }
  out.end("{}\n]\n");
  await once(out, "finish");
}

/** Half rows, half incompressible: what small stored objects are like on average. */
function mixedText(noise: Noise, length: number): Uint8Array {
  let text = "";
  while (text.length < length * 0.7) text += row(noise, noise.next());
  const bytes = noise.bytes(length);
  bytes.set(new TextEncoder().encode(text).subarray(0, Math.floor(length * 0.7)));
  return bytes;
}
