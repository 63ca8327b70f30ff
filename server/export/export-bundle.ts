import type { Sql } from "postgres";
import { type BundleHeader, bundleFormat, formatVersion, type Manifest } from "../../engine/bundle/manifest.ts";
import { BackupError } from "../../engine/errors.ts";
import { type FileInput, type TableInput, writeBundle } from "../../engine/write-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { nodeCodec } from "../codec-node.ts";
import { readCatalog } from "../database/catalog.ts";
import { databaseError } from "../database/connect.ts";
import { openSession, quoteIdent, quoteLiteral, quoteTableKey } from "../database/session.ts";
import { collecting } from "../external-memory.ts";
import type { Scope } from "../scope/define-scope.ts";
import { type ResolvedScope, type ResolvedTable, resolveScope } from "../scope/resolve-scope.ts";
import { blobRows } from "./blob-rows.ts";
import { copyRows } from "./copy-rows.ts";
import { intoPool } from "./into-pool.ts";
import { type ResolvedOptions, resolveOptions } from "./options.ts";
import { readObjects, withoutObject } from "./read-objects.ts";
import { onlyTenants } from "./tenant-rows.ts";

export interface ExportRequest {
  sql: Sql;
  store: BlobStore;
  scope: Scope;
  container: "zip" | "ndjson";
  /** The scope's options, by name. */
  options?: Record<string, unknown>;
  /** Only these tenants, by key or name (`ScopeTenants`), and what hangs on them; all of the installation where absent. */
  tenants?: readonly string[];
  /** The folder `blobs` of a pool: files go there once each, and the bundle only refers to them. */
  poolBlobs?: BlobStore;
  /** Written as the bundle's time; now, where absent. */
  createdAt?: Date;
  signal?: AbortSignal;
  /** For callers that have used each chunk before they pull the next: see `WriteContainerOptions`. */
  reuseMemory?: boolean;
  onProgress?: (progress: ExportProgress) => void;
  /** Told what the bundle holds, warnings included, shortly before its end. */
  onManifest?: (manifest: Manifest) => void;
}

export interface ExportProgress {
  /** Rows PostgreSQL expects by its statistics, and objects it knows of; never exact. */
  phase: "tables" | "files";
  table?: string;
  rows: number;
  files: number;
  /** Uncompressed bytes. */
  bytes: number;
}

/** Of JSON rows, level 6 makes a tenth less and takes nearly twice the time, and compressing is most of an export's work. */
const level = 3;

/**
 * Exports an installation as the bytes of a bundle, made while they are pulled, out of one snapshot of the database.
 * The first pull checks options and scope, so that a refusal comes before the first byte. Stopping early, or `signal`,
 * ends the query in PostgreSQL.
 * @throws BackupError `REQUEST_INVALID`, `SCHEMA_SCOPE`, `IO_DATABASE`, `IO_STORE_UNAVAILABLE`
 */
export async function* exportBundle(request: ExportRequest): AsyncGenerator<Uint8Array> {
  const resolved = resolveOptions(request.scope, request.options ?? {});
  const session = await openSession(request.sql).catch((cause) => {
    throw databaseError(cause);
  });
  const onAbort = () => void session.end().catch(() => {});
  request.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    request.signal?.throwIfAborted();
    yield* exportSnapshot(request, resolved, session.sql);
  } catch (error) {
    request.signal?.throwIfAborted();
    throw error instanceof BackupError || !isDatabaseFailure(error) ? error : databaseError(error);
  } finally {
    request.signal?.removeEventListener("abort", onAbort);
    await session.end();
  }
}

async function* exportSnapshot(request: ExportRequest, resolved: ResolvedOptions, sql: Sql): AsyncGenerator<Uint8Array> {
  await sql.unsafe("begin isolation level repeatable read read only");
  // Rows leave by primary key: a large sort in memory beats its spill to disk.
  await sql.unsafe("set local work_mem = '64MB'");
  // Rows are taken by one reader, whose own work leaves the server's other workers little to gain and takes their cores.
  await sql.unsafe("set local max_parallel_workers_per_gather = 0");
  const catalog = await readCatalog(sql);
  const whole = resolveScope(request.scope, catalog);
  const { scope, tenants } =
    request.tenants === undefined ? { scope: whole } : await onlyTenants(sql, whole, catalog, request.tenants);
  const tally = new Tally(request.onProgress);
  const settings = await readSettings(sql, request.scope, resolved, tenants !== undefined);
  const bundle = {
    header: { ...headerOf(scope, resolved, request.createdAt ?? new Date()), ...(tenants && { tenants }) },
    tables: tables(sql, scope, resolved.options, tally),
    files: () => files(request, sql, scope, resolved, tally),
    warnings: resolved.warnings,
    ...(settings === undefined ? {} : { settings }),
    ...(request.onManifest === undefined ? {} : { onManifest: request.onManifest }),
  };
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  const { container, reuseMemory = false } = request;
  const chunks = writeBundle(bundle, { container, codec: nodeCodec, level, reuseMemory, ...signal });
  yield* reuseMemory ? chunks : collecting(chunks);
  await sql.unsafe("commit");
}

function headerOf({ scope, fingerprint }: ResolvedScope, { options }: ResolvedOptions, createdAt: Date): BundleHeader {
  return {
    format: bundleFormat,
    format_version: formatVersion,
    app: scope.app,
    scope: { name: scope.name, version: scope.version, fingerprint },
    created_at: createdAt.toISOString(),
    options,
  };
}

async function* tables(
  sql: Sql,
  scope: ResolvedScope,
  options: Record<string, boolean>,
  tally: Tally,
): AsyncGenerator<TableInput> {
  for (const table of scope.tables) {
    const { option, blob } = table.scope;
    const on = option === undefined || options[option.name] === true;
    if (!on && option.off === "absent") continue;
    tally.start("tables", table.key);
    const rows = copyRows(sql, on ? table : emptied(table));
    yield {
      name: table.key,
      columns: table.columns.map((column) => column.name),
      ...(blob === undefined ? {} : { fileId: blob.id }),
      body: tally.count(rows.body, rows.rows),
      rows: rows.rows,
    };
  }
}

function emptied(table: ResolvedTable): ResolvedTable {
  return { ...table, scope: { ...table.scope, where: "false" } };
}

async function* files(
  request: ExportRequest,
  sql: Sql,
  scope: ResolvedScope,
  { options, warnings }: ResolvedOptions,
  tally: Tally,
): AsyncGenerator<FileInput> {
  for (const table of scope.tables) {
    const { blob, option } = table.scope;
    if (blob === undefined || (option !== undefined && options[option.name] !== true)) continue;
    tally.start("files", table.key);
    const rows = blobRows(sql, table);
    if (options[blob.option] !== true) {
      for await (const row of rows) yield withoutObject(row, "external");
      continue;
    }
    const signal = request.signal === undefined ? {} : { signal: request.signal };
    const reading = { store: request.store, warn: (text: string) => warnings.push(text), ...signal };
    const objects = readObjects(rows, reading);
    const { poolBlobs: blobs } = request;
    for await (const file of blobs === undefined ? objects : intoPool(objects, { ...reading, blobs })) yield tally.file(file);
  }
}

/** Settings leave by an allowlist of keys; their values pass as JSON text, never as JavaScript numbers. */
async function readSettings(sql: Sql, { settings }: Scope, { options, warnings }: ResolvedOptions, partial: boolean) {
  if (settings === undefined || options[settings.option] !== true) return undefined;
  if (partial && settings.shared !== "in") {
    warnings.push("the settings are the installation's, not a tenant's, and were left out");
    return undefined;
  }
  const keys = settings.include.map(quoteLiteral).join(", ");
  const [key, value] = [quoteIdent(settings.key), quoteIdent(settings.value)];
  const table = quoteTableKey(settings.table);
  const rows = await sql.unsafe(`select ${key}::text as key, to_jsonb(${value})::text as value from ${table}
    where ${key} in (${keys || "null"}) order by ${key}`);
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return Object.fromEntries(rows.map((row) => [row["key"], rawJsonIfScalar(row["value"], rawJSON)]));
}

/** `JSON.rawJSON` takes scalars only; numbers inside of objects are those a manifest's reader would round anyway. */
function rawJsonIfScalar(text: string, rawJSON: (text: string) => unknown): unknown {
  return text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : rawJSON(text);
}

/** What PostgreSQL said, or its connection, which may break between two statements as well. */
function isDatabaseFailure(error: unknown): boolean {
  return (
    error instanceof Error &&
    ("severity_local" in error || /^(CONNECT|ECONN|EPIPE)/.test((error as { code?: string }).code ?? ""))
  );
}

class Tally {
  readonly #progress: ExportProgress = { phase: "tables", rows: 0, files: 0, bytes: 0 };
  readonly #report: ((progress: ExportProgress) => void) | undefined;

  constructor(report: ExportRequest["onProgress"]) {
    this.#report = report;
  }

  start(phase: ExportProgress["phase"], table: string): void {
    Object.assign(this.#progress, { phase, table });
  }

  async *count(body: AsyncIterable<Uint8Array>, rows: () => number): AsyncGenerator<Uint8Array> {
    const before = this.#progress.rows;
    for await (const chunk of body) {
      this.#progress.bytes += chunk.length;
      this.#progress.rows = before + rows();
      yield chunk;
      this.#report?.(this.#progress);
    }
  }

  file(file: FileInput): FileInput {
    this.#progress.files++;
    if (typeof file.object === "string") {
      if (file.reference !== undefined) {
        this.#progress.bytes += file.size ?? 0;
        this.#report?.(this.#progress);
      }
      return file;
    }
    if (file.object.body instanceof Uint8Array) {
      this.#progress.bytes += file.object.size;
      this.#report?.(this.#progress);
      return file;
    }
    return { ...file, object: { ...file.object, body: this.count(file.object.body, () => 0) } };
  }
}
