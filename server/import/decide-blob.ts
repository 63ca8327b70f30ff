import type { ManifestFile } from "../../engine/bundle/manifest.ts";
import type { Omitted } from "../../engine/bundle/thin.ts";
import type { FilePool } from "../../engine/file-pool.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { alternateKey } from "./alternate-key.ts";
import { type BlobCopies, identityOf } from "./known-blobs.ts";
import type { PlanInput } from "./plan-input.ts";
import { sha256Of } from "./sha256.ts";

/** What becomes of the object of one staged row. */
export interface BlobDecision {
  row: number;
  state: "write" | "present" | "missing" | "kept";
  /** Key in the target's store. */
  key: string;
  /** Key in the bundle. */
  original: string;
  /** Where it has to be once the database has committed, because something else is there until then. */
  final: string | null;
  /** What becomes of the row when its object cannot be written. */
  otherwise: "missing" | "kept";
  /** Path in the bundle, for what is written. */
  path: string | null;
  /** Key of an object of the target's own store with the same content, where a thin bundle only names it. */
  copyOf: string | null;
  /** Where the pool has it, for what the bundle only refers to. */
  reference: string | null;
  size: number;
  sha256: string;
  contentType: string | null;
}

/** Decisions that change by themselves; their texts are the same ones. */
export function copied(decisions: readonly BlobDecision[]): BlobDecision[] {
  return decisions.map((decision) => ({ ...decision }));
}

export interface Candidate {
  row: number;
  id: string;
  key: string | null;
  size: number | null;
  existing: boolean;
  /** Another row of the target holds this key. */
  taken: boolean;
  /** Key of the object of the row that is there. */
  current: string | null;
  /** The key follows from the row: the object can be under no other one. */
  fixed: boolean;
}

export interface BlobContext {
  store: BlobStore;
  files: ReadonlyMap<string, ManifestFile>;
  /** Files that a thin bundle does not carry, and where the target says it has them. */
  omitted: Omitted;
  copies: BlobCopies;
  /** Where the files are that the bundle only refers to. */
  pool?: FilePool;
  signal?: AbortSignal;
}

/** Reads the store and changes nothing. */
export async function decideBlob(candidate: Candidate, { mode }: PlanInput, context: BlobContext): Promise<BlobDecision> {
  const file = context.files.get(candidate.id);
  const base: Base = {
    row: candidate.row,
    key: candidate.key ?? "",
    original: candidate.key ?? "",
    final: null,
    otherwise: "missing",
    path: null,
    copyOf: null,
    reference: null,
    size: file?.size ?? candidate.size ?? 0,
    sha256: file?.sha256 ?? "",
    contentType: file?.content_type ?? null,
  };
  if (mode === "replace") return decideReplaced(candidate, file, base, context);
  if (candidate.existing && mode !== "merge") return { ...base, state: "kept" };
  if (candidate.key === null) return { ...base, state: "missing" };
  const content = await contentOf(file, context);
  return content === undefined ? decideNamed(candidate, file, base, context) : decideCarried(candidate, content, base, context);
}

type Base = Omit<BlobDecision, "state">;
type Content = Pick<Base, "path" | "reference">;

/** Where the content is: in the bundle, or in the pool to which the bundle refers, where it is what the manifest states. */
async function contentOf(file: ManifestFile | undefined, { pool, signal }: BlobContext): Promise<Content | undefined> {
  if (file?.stored === "bundle") return { path: file.path, reference: null };
  const { reference, size, sha256 } = file ?? {};
  if (pool === undefined || file?.stored !== "external" || reference === undefined || !sha256 || size == null) return undefined;
  const found = await pool.stat(reference, signal);
  const isIt =
    found !== null && (await holds(reference, { size, sha256 }, found.size, { store: pool, ...(signal && { signal }) }));
  return isIt ? { path: null, reference } : undefined;
}

/** The bundle has the object: its own key where that is free, else another one; never over another object. */
async function decideCarried(candidate: Candidate, content: Content, base: Base, context: BlobContext): Promise<BlobDecision> {
  const write = { ...base, ...content };
  for (const key of candidateKeys(base, candidate)) {
    const found = await context.store.stat(key, context.signal);
    if (found === null) return decideWrite({ ...write, key }, context);
    if (await holds(key, base, found.size, context)) return { ...base, key, state: "present" };
  }
  return { ...base, state: "missing" };
}

/** What a thin bundle leaves out is copied from an object of the target's own, which is read first: a row may say anything. */
async function decideWrite(write: Base, context: BlobContext): Promise<BlobDecision> {
  if (write.path === null || !context.omitted.has(write.path)) return { ...write, state: "write" };
  for (const copyOf of context.copies.get(identityOf(write)) ?? []) {
    const found = await context.store.stat(copyOf, context.signal);
    if (found !== null && (await holds(copyOf, write, found.size, context))) return { ...write, copyOf, state: "write" };
  }
  return { ...write, key: write.original, path: null, state: "missing" };
}

/** The key of the bundle, unless another row of the target lives there; then keys that its content gives. */
function candidateKeys({ original, sha256 }: Base, { taken, fixed }: Candidate): string[] {
  if (fixed) return [original];
  const others = alternateKeys(original, sha256);
  return taken ? others : [original, ...others];
}

async function holds(
  key: string,
  expected: { size: number; sha256: string },
  size: number,
  { store, signal }: { store: FilePool; signal?: AbortSignal },
) {
  if (size !== expected.size) return false;
  const opened = await store.open(key, signal === undefined ? {} : { signal });
  return (await sha256Of(opened.body)) === expected.sha256;
}

/**
 * The bundle only names the object: the row may arrive where the target's store has it under the same key. A row that exists
 * describes another content now, so that the object must be read to be believed.
 */
async function decideNamed(
  candidate: Candidate,
  file: ManifestFile | undefined,
  base: Base,
  context: BlobContext,
): Promise<BlobDecision> {
  if (candidate.taken) return { ...base, state: "missing" };
  const found = await context.store.stat(base.key, context.signal);
  const size = file?.size ?? candidate.size;
  if (found === null || (size !== null && found.size !== size)) return { ...base, state: "missing" };
  const fits = !candidate.existing || (await holds(base.key, base, found.size, context));
  return { ...base, state: fits ? "present" : "missing" };
}

function alternateKeys(key: string, sha256: string): string[] {
  return [12, 24, 64].map((digits) => alternateKey(key, sha256.slice(0, digits)));
}

/**
 * Where the table is replaced, a row that is there gets the bundle's content as well. What is under the key that the row's object
 * must have stays there until the database has committed: the new content waits beside it.
 */
async function decideReplaced(
  candidate: Candidate,
  file: ManifestFile | undefined,
  base: Base,
  context: BlobContext,
): Promise<BlobDecision> {
  const { current, existing, fixed, key } = candidate;
  if (key === null) return { ...base, state: "missing" };
  const there = existing && current !== null ? await context.store.stat(current, context.signal) : null;
  // The bundle does not have the content: what the row has here is the best there is.
  const unchanged: BlobDecision = { ...base, key: current ?? key, state: there === null ? "missing" : "kept" };
  const content = await contentOf(file, context);
  if (content === undefined) return existing ? unchanged : decideNamed(candidate, file, base, context);
  if (there !== null && (await holds(current!, base, there.size, context))) return { ...base, key: current!, state: "kept" };
  const write: Base = { ...base, ...content, otherwise: there === null ? "missing" : "kept" };
  const decided = fixed
    ? await decideWaiting(key, write, existing, context)
    : await decideCarried(candidate, content, write, context);
  return decided.state === "missing" ? unchanged : decided;
}

/** Under its own key at once where nothing is there and nobody looks for it; else beside it. */
async function decideWaiting(final: string, write: Base, isLive: boolean, context: BlobContext): Promise<BlobDecision> {
  for (const key of [final, ...alternateKeys(final, write.sha256)]) {
    const target = { ...write, key, final: key === final ? null : final };
    const found = await context.store.stat(key, context.signal);
    if (found === null && (key !== final || !isLive)) return decideWrite(target, context);
    if (found !== null && (await holds(key, write, found.size, context)))
      return { ...target, path: null, reference: null, state: "present" };
  }
  return { ...write, state: "missing" };
}
