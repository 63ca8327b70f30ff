import { rm } from "node:fs/promises";
import { BackupError } from "../../engine/errors.ts";
import type { Importer } from "../import/importer.ts";
import { PlanReader } from "../import/kept/read-plan.ts";

interface Entry {
  folder: string;
  importer: Importer;
  createdAt: number;
}

/** Milliseconds that a plan's rows can be looked at. */
const lifetime = 60 * 60 * 1000;
/** The eldest goes when there are more: an admin looks at one or two. */
const mostPlans = 8;

export interface FoundPlan {
  reader: PlanReader;
  importer: Importer;
  createdAt: Date;
  expiresAt: Date;
}

/** The plans that previews of this process left in the spool, by digest; each is shown only to the admin it was made for. */
export class KeptPlans {
  readonly #entries = new Map<string, Entry>();

  /** Takes over a folder that a preview filled. */
  async add(digest: string, folder: string, importer: Importer): Promise<void> {
    // The digest covers the importer, so that an earlier one was theirs as well.
    await this.#drop(digest);
    this.#entries.set(digest, { folder, importer, createdAt: Date.now() });
    for (const [other, { createdAt }] of this.#entries) {
      if (this.#entries.size > mostPlans || Date.now() - createdAt > lifetime) await this.#drop(other);
    }
    setTimeout(() => void this.#expire(digest, folder), lifetime).unref();
  }

  /** Where the rows of a plan are, as long as it is kept for this admin. */
  folderOf(digest: string, importer: Importer): string | undefined {
    return this.#entryOf(digest, importer)?.folder;
  }

  /** @throws BackupError `IMPORT_PLAN_UNKNOWN` */
  async find(digest: string, importer: Importer): Promise<FoundPlan> {
    const entry = this.#entryOf(digest, importer);
    if (entry === undefined) throw unknown(digest);
    const { folder, createdAt } = entry;
    const reader = await PlanReader.open(folder).catch(() => {
      throw unknown(digest);
    });
    return { reader, importer, createdAt: new Date(createdAt), expiresAt: new Date(createdAt + lifetime) };
  }

  #entryOf(digest: string, importer: Importer): Entry | undefined {
    const entry = this.#entries.get(digest);
    const isTheirs = entry?.importer.id === importer.id && Date.now() - entry.createdAt <= lifetime;
    return isTheirs ? entry : undefined;
  }

  async #expire(digest: string, folder: string): Promise<void> {
    if (this.#entries.get(digest)?.folder === folder) await this.#drop(digest).catch(() => {});
  }

  async #drop(digest: string): Promise<void> {
    const entry = this.#entries.get(digest);
    this.#entries.delete(digest);
    if (entry !== undefined) await rm(entry.folder, { recursive: true, force: true });
  }
}

function unknown(digest: string): BackupError {
  const message = "no such plan is kept here: it expired, another admin made it, or the server was started anew; preview again";
  return new BackupError("IMPORT_PLAN_UNKNOWN", message, { digest });
}
