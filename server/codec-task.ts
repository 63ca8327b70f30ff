import type { CheckOptions, PackedBatch, PackedBlock, StoredItem, UnpackedItem, UnpackOptions } from "../engine/codec.ts";

/** What the codec asks of a thread of its pool. Bytes are transferred. */
export type Task =
  | { kind: "pack-block"; bytes: Uint8Array; level: number }
  | { kind: "pack"; bytes: Uint8Array; lengths: readonly number[]; level: number }
  | { kind: "unpack"; bytes: Uint8Array; items: readonly StoredItem[]; options: UnpackOptions }
  | { kind: "open-check"; check: number; options: CheckOptions }
  | { kind: "write-check"; check: number; bytes: Uint8Array }
  | { kind: "end-check" | "cancel-check"; check: number };

export type TaskResult = PackedBlock | PackedBatch | (UnpackedItem | null)[] | UnpackedItem | null;

/** A thread's answer to the task of the same number; `memory` is that of the task's bytes, given back. */
export type Answer = { id: number; result: TaskResult; memory?: ArrayBuffer | undefined } | { id: number; failure: string };
