import { thinPath } from "./bundle/layout.ts";
import type { ManifestFile } from "./bundle/manifest.ts";
import { formatThin, type OmittedFile } from "./bundle/thin.ts";
import type { Codec } from "./codec.ts";
import { BackupError } from "./errors.ts";
import type { NdjsonContainer } from "./ndjson/read-ndjson.ts";
import { thinNdjson } from "./ndjson/thin-ndjson.ts";
import type { Bundle } from "./read-bundle.ts";
import type { ListedZip } from "./zip/list-zip.ts";
import { canThinZip, type Slice, thinZip } from "./zip/thin-zip.ts";

/** A file that the bundle carries and whose content the manifest states. */
export type CarriedFile = ManifestFile & { path: string; size: number; sha256: string };

/** By the manifest's order. */
export function carriedFiles({ manifest, entry }: Bundle): CarriedFile[] {
  return manifest.files.filter((file): file is CarriedFile => {
    const { stored, path, size, sha256 } = file;
    return stored === "bundle" && path !== null && size !== null && sha256 !== null && entry(path)?.size === size;
  });
}

/** Whether `thinBundle` can be made of a bundle: one opened by its directory, not thin already, with plain names. */
export function canThin({ container, entry }: Bundle): boolean {
  if (entry(thinPath) !== undefined) return false;
  return container.kind === "ndjson" || ("directoryOffset" in container && canThinZip(container as ListedZip));
}

/**
 * The bundle without `omit`, which thin.json names instead: slices of the container and new bytes, in order. Manifest and checksums stay as
 * they are. The same bundle and the same files give the same bytes.
 * @throws BackupError `REQUEST_INVALID` where `canThin` says no.
 */
export async function thinBundle(bundle: Bundle, omit: readonly CarriedFile[], codec: Codec): Promise<Slice[]> {
  if (!canThin(bundle)) throw new BackupError("REQUEST_INVALID", "no thin bundle can be made of this one: upload it whole");
  const files: OmittedFile[] = omit.map(({ path, sha256, size }) => ({ path, sha256, size }));
  const paths = new Set(files.map(({ path }) => path));
  const isOmitted = (path: string) => paths.has(path);
  const content = formatThin(files);
  const document = { path: thinPath, content };
  if (bundle.container.kind === "zip") {
    return thinZip(bundle.container as ListedZip, isOmitted, document, new Date(bundle.manifest.created_at));
  }
  return thinNdjson(bundle.container as NdjsonContainer, isOmitted, { ...document, sha256: await codec.sha256(content) });
}
