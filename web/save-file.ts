import { el } from "./dom.ts";

/** Where an export goes, chunk by chunk. */
export interface Target {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The file is there, whole, only after this. */
  close(contentDisposition: string): Promise<void>;
  abort(): Promise<void>;
}

interface PickerWindow {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/** A file that the admin chooses, straight to disk, else a download. `null` where none was chosen. */
export async function openTarget(type: string): Promise<Target | null> {
  const extension = type === "application/zip" ? "zip" : "ndjson";
  const suggestedName = `backup-${new Date().toISOString().slice(0, 10)}.${extension}`;
  const { showSaveFilePicker } = window as PickerWindow;
  if (showSaveFilePicker === undefined) return download(type, suggestedName);
  try {
    const handle = await showSaveFilePicker.call(window, { suggestedName });
    const stream = await handle.createWritable();
    return { write: (chunk) => stream.write(chunk), close: () => stream.close(), abort: () => stream.abort().catch(() => {}) };
  } catch (error) {
    if ((error as Error).name === "AbortError") return null;
    throw error;
  }
}

/** Browsers keep large Blobs on disk: parts are handed over as they come, a few megabytes at a time. */
function download(type: string, suggestedName: string): Target {
  let whole = new Blob([], { type });
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const hand = () => {
    whole = new Blob([whole, ...parts], { type });
    [parts, bytes] = [[], 0];
  };
  return {
    async write(chunk) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes > 16_000_000) hand();
    },
    async close(contentDisposition) {
      hand();
      const name = /filename="([^"]+)"/.exec(contentDisposition)?.[1] ?? suggestedName;
      const url = URL.createObjectURL(whole);
      el("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
    async abort() {
      whole = new Blob([]);
      parts = [];
    },
  };
}
