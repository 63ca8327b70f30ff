import { ProblemError } from "./api.ts";
import type { PackTarget } from "./worker/protocol.ts";

interface PickerWindow {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

export function suggestedName(extension: string): string {
  return `backup-${new Date().toISOString().slice(0, 10)}.${extension}`;
}

/** The file that the admin chooses; `null` where none was chosen, `undefined` where the browser has no such dialog. */
async function chooseFile(name: string): Promise<FileSystemFileHandle | null | undefined> {
  const { showSaveFilePicker } = window as PickerWindow;
  if (showSaveFilePicker === undefined) return undefined;
  try {
    return await showSaveFilePicker.call(window, { suggestedName: name });
  } catch (error) {
    if ((error as Error).name === "AbortError") return null;
    throw error;
  }
}

/** Where the Worker packs: a chosen file, else a private one that is downloaded afterwards. `null` where none was chosen. */
export async function packTarget(): Promise<PackTarget | null> {
  const handle = await chooseFile(suggestedName("zip"));
  if (handle === null) return null;
  return handle === undefined ? { privateName: `export-${crypto.randomUUID()}.zip` } : { handle };
}

/** Hands a Blob over as a download; the address is kept long enough for the browser to begin. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Where a bundle of the server's own making goes, chunk by chunk. */
export interface StreamTarget {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The file is there, whole, only after this. @returns its name. */
  close(contentDisposition: string): Promise<string>;
  abort(): Promise<void>;
}

export async function streamTarget(type: string, extension: string): Promise<StreamTarget | null> {
  const name = suggestedName(extension);
  const handle = await chooseFile(name);
  if (handle === null) return null;
  if (handle === undefined) return blobTarget(type, name);
  const stream = await handle.createWritable().catch(unwritable);
  return {
    write: (chunk) => stream.write(chunk).catch(unwritable),
    close: async () => {
      await stream.close().catch(unwritable);
      return handle.name;
    },
    abort: () => stream.abort().catch(() => {}),
  };
}

function unwritable(error: Error): never {
  const detail = `the browser cannot write the file: ${error.message}`;
  throw new ProblemError({ title: "The file could not be written", status: 0, detail, code: "IO_TARGET" });
}

/** Browsers keep large Blobs on disk: parts are handed over as they come, a few megabytes at a time. */
function blobTarget(type: string, name: string): StreamTarget {
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
      const given = /filename="([^"]+)"/.exec(contentDisposition)?.[1] ?? name;
      download(whole, given);
      return given;
    },
    async abort() {
      whole = new Blob([]);
      parts = [];
    },
  };
}
