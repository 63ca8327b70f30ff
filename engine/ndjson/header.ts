import type { Manifest } from "../bundle/manifest.ts";
import { BackupError } from "../errors.ts";

/**
 * The opening line says what the manifest says, to whoever reads only the start of a stream; nothing hashes it, so it is held against
 * the manifest, which the checksums cover.
 */
export function assertHeader(header: Record<string, unknown>, manifest: Manifest): void {
  const known = manifest as unknown as Record<string, unknown>;
  const { $holdall: _, ...stated } = header;
  const required = ["format", "format_version", "app", "scope", "created_at", "options"];
  const differing = [...new Set([...required, ...Object.keys(stated)])].find((name) => !equal(stated[name], known[name]));
  if (differing === undefined) return;
  throw new BackupError("SCHEMA_MANIFEST", `the opening line and the manifest differ in ${differing}: the stream was changed`, {
    offset: 0,
  });
}

function equal(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) return one === other;
  const [a, b] = [Object.entries(one), Object.entries(other)];
  return a.length === b.length && a.every(([name, value]) => equal(value, (other as Record<string, unknown>)[name]));
}
