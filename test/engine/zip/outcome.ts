import type { ByteSource } from "../../../engine/byte-source.ts";
import type { Codec } from "../../../engine/codec.ts";
import { BackupError } from "../../../engine/errors.ts";
import { defaultLimits } from "../../../engine/limits.ts";
import { checkRun } from "../../../engine/zip/check-run.ts";
import { listZip } from "../../../engine/zip/list-zip.ts";
import { openZip } from "../../../engine/zip/open-zip.ts";
import { readZipStream } from "../../../engine/zip/read-zip-stream.ts";
import { collected } from "./content.ts";

/** What a reader made of an archive: hashes by path when accepted, else the code. */
export type Outcome = { accepted: Record<string, string> } | { refused: string };

export async function readWhole(source: ByteSource, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    const archive = await openZip(source, { codec });
    for await (const { entry, sha256 } of archive.verify()) accepted[entry.path] = sha256!;
    return accepted;
  });
}

/** The same by `open`, one entry after the other. */
export async function readSingly(source: ByteSource, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    const archive = await openZip(source, { codec });
    for (const entry of archive.entries) accepted[entry.path] = await hashOf(archive.open(entry), codec);
    return accepted;
  });
}

/** The same by the directory alone first, and every entry's records and content when it is read: as the browser verifies. */
export async function readListed(source: ByteSource, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    const { entries } = await listZip(source, { codec });
    const run = entries.map((stretch) => ({ stretch, look: "content" as const }));
    let next = 0;
    for await (const some of checkRun(source, run, { codec, limits: defaultLimits })) {
      for (const { sha256, failure } of some) {
        if (failure !== undefined) throw new BackupError(failure.issue.code, failure.issue.message);
        accepted[entries[next++]!.path] = sha256!;
      }
    }
    return accepted;
  });
}

export async function readForward(input: AsyncIterable<Uint8Array>, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    for await (const { path, body } of readZipStream(input, { codec })) accepted[path] = await hashOf(body, codec);
    return accepted;
  });
}

/** At once: making an incremental hash for each of thousands of small entries takes seconds in a browser. */
async function hashOf(body: AsyncIterable<Uint8Array>, codec: Codec): Promise<string> {
  return codec.sha256(await collected(body));
}

async function outcome(read: () => Promise<Record<string, string>>): Promise<Outcome> {
  try {
    return { accepted: await read() };
  } catch (error) {
    if (error instanceof BackupError && /^(ZIP|PATH|LIMIT|INTEGRITY)_/.test(error.code)) return { refused: error.code };
    throw error;
  }
}
