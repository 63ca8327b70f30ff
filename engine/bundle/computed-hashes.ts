import { concat } from "../bytes.ts";
import type { Bundle } from "../read-bundle.ts";
import { type Checksums, formatChecksums } from "./checksums.ts";
import { checksumsPath } from "./layout.ts";
import { filesOf } from "./manifest-files.ts";

/**
 * A bundle of a layout without checksums, with the hashes that a verification has found: its files then have their SHA-256, and a
 * checksums.json made of them stands for the content. A bundle that has its own is returned as it is.
 */
export function withHashes(bundle: Bundle, hashes: Checksums): Bundle {
  if (bundle.checksums !== null) return bundle;
  const sorted = new Map([...hashes].sort(([a], [b]) => (a < b ? -1 : 1)));
  const listing = concat([...formatChecksums(sorted)]);
  const files = bundle.manifest.files.map((file) => {
    const sha256 = hashes.get(file.path ?? file.reference ?? "");
    return sha256 === undefined ? file : { ...file, sha256 };
  });
  return {
    ...bundle,
    manifest: { ...bundle.manifest, files },
    files: filesOf(files),
    checksums: async () => sorted,
    open: (path, signal) => (path === checksumsPath ? once(listing) : bundle.open(path, signal)),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
