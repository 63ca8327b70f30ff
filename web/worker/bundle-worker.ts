import * as Comlink from "comlink";
import { createWebCodec } from "../../engine/codec-web.ts";
import { BackupError } from "../../engine/errors.ts";
import { answered } from "./failure.ts";
import { fileRow, inspect } from "./inspect.ts";
import { OpenBundle } from "./open-bundle.ts";
import type { BundleWorker } from "./protocol.ts";
import { Tasks } from "./tasks.ts";

/** Not awaited up here: a message that comes while a module awaits is lost. */
const codecReady = createWebCodec();
const tasks = new Tasks();
let current: OpenBundle | undefined;

function opened(): OpenBundle {
  if (current === undefined) throw new BackupError("REQUEST_INVALID", "no bundle is open");
  return current;
}

const worker: BundleWorker = {
  async open(origin, task, onProgress) {
    await worker.close();
    return tasks.run(task, async (signal) => {
      current = await OpenBundle.open(origin, await codecReady, signal, onProgress);
      return inspect(current.bundle, current.name, false);
    });
  },
  verify: (task, onProgress) => tasks.run(task, (signal) => opened().verify(signal, onProgress)),
  rows: () => notYet(),
  files: (from, count) =>
    answered(async () => {
      const { bundle } = opened();
      const { files } = bundle.manifest;
      return { from, total: files.length, files: files.slice(from, from + count).map((file) => fileRow(file, bundle)) };
    }),
  fileBlob: () => notYet(),
  fileHashes: () => notYet(),
  thin: () => notYet(),
  pack: () => notYet(),
  discard: () => notYet(),
  async cancel(task) {
    tasks.cancel(task);
  },
  async close() {
    tasks.cancelAll();
    current = undefined;
  },
};

function notYet(): Promise<never> {
  return answered(async () => {
    throw new BackupError("REQUEST_INVALID", "not built yet");
  }) as Promise<never>;
}

Comlink.expose(worker);
