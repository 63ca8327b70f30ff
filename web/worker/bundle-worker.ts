import * as Comlink from "comlink";
import { createWebCodec } from "../../engine/codec-web.ts";
import { BackupError } from "../../engine/errors.ts";
import { answered } from "./failure.ts";
import { fileRow, inspect } from "./inspect.ts";
import { OpenBundle } from "./open-bundle.ts";
import { packExport } from "./pack.ts";
import { removePrivateFile } from "./private-files.ts";
import type { BundleWorker } from "./protocol.ts";
import { Tasks } from "./tasks.ts";

/** Not awaited up here: a message that comes while a module awaits is lost. */
const codecReady = createWebCodec();
const tasks = new Tasks();
/** They have nothing to do with the bundle that is open, and outlive it. */
const packs = new Tasks();
let current: OpenBundle | undefined;

function opened(): OpenBundle {
  if (current === undefined) throw new BackupError("REQUEST_INVALID", "no bundle is open");
  return current;
}

const mostRows = 1000;
const mostFiles = 5000;

function whole(number: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(number) && number >= 0 && number <= most) return number;
  throw new BackupError("REQUEST_INVALID", `${number} is no whole number of at most ${most}`);
}

const worker: BundleWorker = {
  async open(origin, naming, task, onProgress) {
    await worker.close();
    return tasks.run(task, async (signal) => {
      current = await OpenBundle.open(origin, naming, await codecReady, signal, onProgress);
      return inspect(current.bundle, current.name, current.canThin);
    });
  },
  verify: (task, onProgress) => tasks.run(task, (signal) => opened().verify(signal, onProgress)),
  rows: (table, from, count, task, onProgress) =>
    tasks.run(task, (signal) => opened().rows(table).page(whole(from), whole(count, mostRows), signal, onProgress)),
  files: (from, count) =>
    answered(async () => {
      const { bundle } = opened();
      const page = bundle.files.page(whole(from), whole(count, mostFiles));
      return { from, total: bundle.files.length, files: page.map((file) => fileRow(file, bundle)) };
    }),
  fileBlob: (path, maxBytes, task) => tasks.run(task, (signal) => opened().fileBlob(path, whole(maxBytes), signal)),
  fileHashes: (from, count) =>
    answered(async () => {
      const { carried } = opened();
      const page = carried.slice(whole(from), from + whole(count, mostFiles));
      const files = page.map(({ path, size, sha256 }, i) => ({ index: from + i, path, size, sha256 }));
      return { total: carried.length, files };
    }),
  thin: (omit) => answered(() => opened().thin(omit)),
  pack: (request, target, task, onProgress) =>
    packs.run(task, async (signal) => packExport(request, target, { codec: await codecReady, signal, onProgress })),
  discard: (name) =>
    answered(async () => {
      await removePrivateFile(name);
      return null;
    }),
  async cancel(task) {
    tasks.cancel(task);
    packs.cancel(task);
  },
  async close() {
    tasks.cancelAll();
    const closing = current;
    current = undefined;
    await closing?.close();
  },
};

Comlink.expose(worker);
