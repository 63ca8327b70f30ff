import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, readdirSync, readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { createRequire, enableCompileCache } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";

// Node strips types anew at every start unless it may keep the result.
enableCompileCache();
const require = createRequire(import.meta.url);

/**
 * The JavaScript peers of the ZIP benchmark, each run in a process of its own, which loads nothing of the others:
 * node zip-contenders.ts NAME pack FOLDER FILE LEVEL | NAME verify FILE
 */
interface Contender {
  pack?(folder: string, file: string, level: number): Promise<void>;
  /** Size, CRC and SHA-256 of every entry. */
  verify?(file: string): Promise<void>;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** CRC and SHA-256 of content as it passes. */
async function digested(content: AsyncIterable<Uint8Array>, expectedCrc: number): Promise<void> {
  const hash = createHash("sha256");
  let crc = 0;
  for await (const piece of content) {
    crc = crc32(piece, crc);
    hash.update(piece);
  }
  hash.digest("hex");
  if (crc !== expectedCrc) throw new Error("the CRC differs");
}

const contenders: Record<string, Contender> = {
  yazl: {
    async pack(folder, file, level) {
      const zip = new (require("yazl").ZipFile)(); // carries no types
      for (const path of filesOf(folder))
        zip.addFile(join(folder, path), path, level === 0 ? { compress: false } : { compressionLevel: level });
      zip.end();
      await pipeline(zip.outputStream, createWriteStream(file));
    },
  },
  yauzl: {
    async verify(file) {
      const zip = await require("yauzl").openPromise(file, { autoClose: true });
      for await (const entry of zip.eachEntry()) {
        if (!entry.fileName.endsWith("/")) await digested(await zip.openReadStreamPromise(entry), entry.crc32);
      }
    },
  },
  "zip.js": {
    async pack(folder, file, level) {
      const { configure, ZipWriter } = await import("@zip.js/zip.js");
      configure({ useWebWorkers: false });
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writing = pipeline(Readable.fromWeb(readable as never), createWriteStream(file));
      const zip = new ZipWriter(writable, { level });
      for (const path of filesOf(folder)) await zip.add(path, Readable.toWeb(createReadStream(join(folder, path))) as never);
      await zip.close();
      await writing;
    },
    async verify(file) {
      const { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipReader } = await import("@zip.js/zip.js");
      configure({ useWebWorkers: false });
      const handle = await open(file);
      const { size } = await handle.stat();
      const reader = new Uint8ArrayReader(new Uint8Array(0));
      reader.size = size;
      reader.readUint8Array = async (offset: number, length: number) => {
        const bytes = new Uint8Array(length);
        await handle.read(bytes, 0, length, offset);
        return bytes;
      };
      const zip = new ZipReader(reader);
      for await (const entry of zip.getEntriesGenerator()) {
        if (entry.directory) continue;
        const content = await entry.getData(new Uint8ArrayWriter(), { checkSignature: true });
        createHash("sha256").update(content).digest("hex");
      }
      await handle.close();
    },
  },
  fflate: {
    async pack(folder, file, level) {
      const { Zip, ZipDeflate, ZipPassThrough } = await import("fflate");
      const out = createWriteStream(file);
      const zip = new Zip((error, piece) => {
        if (error) throw error;
        out.write(piece);
      });
      for (const path of filesOf(folder)) {
        const entry = level === 0 ? new ZipPassThrough(path) : new ZipDeflate(path, { level: level as 6 });
        zip.add(entry);
        for await (const piece of createReadStream(join(folder, path), { highWaterMark: 1 << 20 })) {
          entry.push(piece);
          if (out.writableNeedDrain) await once(out, "drain");
        }
        entry.push(new Uint8Array(0), true);
      }
      zip.end();
      out.end();
      await once(out, "finish");
    },
  },
  "client-zip": {
    async pack(folder, file) {
      const { downloadZip } = await import("client-zip");
      async function* inputs() {
        for (const path of filesOf(folder)) {
          const at = join(folder, path);
          const { size, mtime } = statSync(at);
          const input =
            size < 65_536 ? readFileSync(at) : (Readable.toWeb(createReadStream(at, { highWaterMark: 1 << 20 })) as never);
          yield { name: path, input, size, lastModified: mtime };
        }
      }
      await pipeline(Readable.fromWeb(downloadZip(inputs()).body as never), createWriteStream(file));
    },
  },
};

export const contenderNames = (operation: "pack" | "verify") =>
  Object.keys(contenders).filter((name) => contenders[name]![operation] !== undefined);

if (import.meta.main) {
  const [name = "", operation = "", ...args] = process.argv.slice(2);
  const contender = contenders[name]!;
  if (operation === "pack") await contender.pack!(args[0]!, args[1]!, Number(args[2]));
  else await contender.verify!(args[0]!);
}
