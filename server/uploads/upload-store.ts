import type { DataStore } from "@tus/server";
import type { ByteSource } from "../../engine/byte-source.ts";

export type ClosableSource = ByteSource & { close(): Promise<void> };

/** Where resumable uploads wait: the package's port, and the way back to the bytes. */
export interface UploadStore extends DataStore {
  /** Stands before every id, in front of the part that a client sees. */
  readonly prefix: string;
  /** The bytes of a finished upload. Fails with `IO_SOURCE`. */
  source(id: string): Promise<ClosableSource>;
}

/** An upload that nobody has continued for so long is given up. */
export const abandonedAfter = 3 * 24 * 60 * 60 * 1000;
