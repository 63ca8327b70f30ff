import type { ByteSource } from "../../engine/byte-source.ts";
import { httpSource } from "../../engine/http-source.ts";
import { scannedBlobSource } from "../../engine/scanned-blob.ts";
import type { Origin } from "./pool-protocol.ts";

export async function sourceOf(origin: Origin, signal?: AbortSignal): Promise<ByteSource> {
  if (origin instanceof Blob) return scannedBlobSource(origin);
  const { address, headers } = origin;
  return httpSource(address, { ...(headers && { headers }), ...(signal && { signal }) });
}

export function nameOf(origin: Origin): string {
  if (origin instanceof File) return origin.name;
  return origin instanceof Blob ? "" : origin.address;
}
