import { type Api, connectionLost, type ExportChoice } from "./api.ts";
import { download, packTarget, streamTarget, suggestedName } from "./save-file.ts";
import type { BundleClient } from "./worker/client.ts";
import type { PackProgress } from "./worker/protocol.ts";

export const makers = [
  {
    name: "browser",
    label: "ZIP, packed by this browser",
    description:
      "The server sends rows and files as they are; this browser checks, compresses and saves them. Gives the SHA-256.",
  },
  { name: "server", label: "ZIP, packed by the server", description: "For an older browser, or a slow computer here." },
  { name: "ndjson", label: "NDJSON stream", description: "For pipes and scripts: one row a line, read by jq." },
] as const;
export type Maker = (typeof makers)[number]["name"];

export interface ExportState {
  bytes: number;
  pack?: PackProgress;
}

export interface Exported {
  name: string;
  size: number;
  sha256?: string;
  rows?: number;
  files?: number;
  tables?: number;
  warnings: string[];
}

interface Run {
  api: Api;
  client: BundleClient;
  choice: ExportChoice;
  signal: AbortSignal;
  onProgress(state: ExportState): void;
}

/** `null` where no file was chosen. A stream that breaks fails, and leaves nothing that looks complete. */
export function runExport(maker: Maker, run: Run): Promise<Exported | null> {
  return maker === "browser" ? packHere(run) : saveStream(maker, run);
}

async function packHere({ api, client, choice, signal, onProgress }: Run): Promise<Exported | null> {
  const target = await packTarget();
  if (target === null) return null;
  onProgress({ bytes: 0 });
  const packed = await client.pack(api.exportRequest(choice), target, {
    signal,
    onProgress: (pack) => onProgress({ bytes: pack.bytesRead, pack }),
  });
  const { size, sha256, rows, files, tables, warnings } = packed;
  const name =
    "handle" in target ? target.handle.name : (packed.suggestedName ?? suggestedName("zip")).replace(/\.ndjson$/, ".zip");
  if (packed.file !== null && "privateName" in target) {
    download(packed.file, name);
    // The download reads from the private file; by then it has ended, or the next start of the page clears it away.
    setTimeout(() => void client.discard(target.privateName).catch(() => {}), 10 * 60_000);
  }
  return { name, size, sha256, rows, files, tables, warnings };
}

async function saveStream(maker: Maker, { api, choice, signal, onProgress }: Run): Promise<Exported | null> {
  const [type, extension] = maker === "server" ? ["application/zip", "zip"] : ["application/x-ndjson", "ndjson"];
  const target = await streamTarget(type, extension);
  if (target === null) return null;
  onProgress({ bytes: 0 });
  try {
    const response = await api.export(choice, type, signal);
    let size = 0;
    const reader = response.body!.getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      await target.write(value!);
      size += value!.length;
      onProgress({ bytes: size });
    }
    return { name: await target.close(response.headers.get("content-disposition") ?? ""), size, warnings: [] };
  } catch (error) {
    await target.abort();
    signal.throwIfAborted();
    throw error instanceof TypeError ? connectionLost() : error;
  }
}
