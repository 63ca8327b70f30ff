import type { Sql } from "postgres";
import type { ManifestFile } from "../../engine/bundle/manifest.ts";
import type { ConflictMode, ImportChoices, TablePlan } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { readCatalog } from "../database/catalog.ts";
import type { Scope } from "../scope/define-scope.ts";
import { type ResolvedScope, resolveScope } from "../scope/resolve-scope.ts";
import type { ImportProgress } from "./import-bundle.ts";
import type { Importer } from "./importer.ts";
import type { PlanKeeper } from "./kept/keep-plan.ts";
import { findCopies } from "./known-blobs.ts";
import { isEmpty, type PlanContext } from "./make-plan.ts";
import { replaceOpenReferences } from "./match/map-references.ts";
import { matchRows, type Numbering } from "./match/match-rows.ts";
import { type BlobDecision, planBlobs } from "./plan-blobs.ts";
import type { PlanInput } from "./plan-input.ts";
import { refuseRepeatedKeys } from "./plan-unique.ts";
import { stageRows } from "./stage-rows.ts";
import { type StageTable, stageTable } from "./stage-table.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";

interface PrepareRequest {
  store: BlobStore;
  scope: Scope;
  mode: ConflictMode;
  choices: ImportChoices;
  numbering: Numbering;
  importer: Importer;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  keeper?: PlanKeeper;
}

/** Stages the rows of a verified bundle and decides where each stored object would come from: all that a plan needs. */
export async function prepareImport(sql: Sql, request: PrepareRequest, verified: VerifiedBundle): Promise<PlanContext> {
  await tuneSession(sql);
  const scope = resolveScope(request.scope, await readCatalog(sql));
  const { bundle } = verified;
  const inputs = await stageTables(sql, request, scope, bundle);
  const blobs = new Map<string, BlobDecision[]>();
  const files = new Map(bundle.manifest.files.map((file) => [file.id, file] as [string, ManifestFile]));
  const { omitted } = bundle;
  const copies = omitted.size === 0 ? new Map() : await findCopies(sql, scope.tables, [...omitted.values()]);
  const abort = request.signal === undefined ? {} : { signal: request.signal };
  for (const input of inputs) await refuseRepeatedKeys(sql, input.table);
  if (request.choices.match_natural_keys) {
    await matchRows(sql, inputs, request.numbering);
    await replaceOpenReferences(sql, inputs);
  }
  for (const input of inputs) {
    if (input.table.scope.blob === undefined) continue;
    blobs.set(input.table.key, await planBlobs(sql, input, { store: request.store, files, omitted, copies, ...abort }));
  }
  return {
    inputs,
    mode: request.mode,
    choices: request.choices,
    importer: request.importer.id,
    bundleSha256: verified.sha256,
    notImported: notImported(scope, verified),
    blobs,
    warnings: [...bundle.manifest.warnings, ...strangeTables(scope, bundle), ...verificationWarnings(verified)],
  };
}

/** Staging lives in temporary tables: their buffers can only be sized before the first use. */
async function tuneSession(sql: Sql): Promise<void> {
  await sql.unsafe("set temp_buffers = '128MB'; set work_mem = '64MB'; set client_min_messages = warning");
}

async function stageTables(sql: Sql, request: PrepareRequest, scope: ResolvedScope, bundle: Bundle): Promise<PlanInput[]> {
  const entering = scope.tables.filter(
    (table) => table.scope.importNever === undefined && table.key in bundle.manifest.table_counts,
  );
  const tables = new Map<string, StageTable>(entering.map((table, i) => [table.key, stageTable(scope, table, i)]));
  const inputs = new Map<string, PlanInput>();
  for (const table of tables.values()) {
    const onRows = (rows: number) => request.onProgress?.({ phase: "stage", table: table.key, rows });
    onRows(0);
    const { signal, keeper } = request;
    const staged = await stageRows(sql, bundle, table, {
      onRows,
      ...(signal && { signal }),
      ...(keeper && { keys: keeper.keysOf(table) }),
    });
    const targetEmpty = await isEmpty(sql, table);
    const importer = request.importer.id;
    inputs.set(table.key, {
      table,
      staged,
      mode: request.mode,
      importer,
      targetEmpty,
      earlierEmpty: false,
      matched: 0,
      renumbered: 0,
      planned: 0,
      inputs,
    });
  }
  return [...inputs.values()];
}

function notImported(scope: ResolvedScope, { bundle, verification }: VerifiedBundle): TablePlan[] {
  return scope.tables.flatMap((table) => {
    const reason = table.scope.importNever;
    const rows = verification.rows[table.key];
    if (reason === undefined || rows === undefined || !(table.key in bundle.manifest.table_counts)) return [];
    const outcomes = rows === 0 ? {} : { not_imported: rows };
    return [
      {
        table: table.key,
        rows,
        outcomes,
        reassigned: 0,
        matched: 0,
        renumbered: 0,
        reference_cleared: {},
        dropped_columns: [],
        reason,
        samples: [],
      },
    ];
  });
}

/** One strange column gives a warning for its first row, and a strange bundle many: the first of them say enough. */
function verificationWarnings({ verification }: VerifiedBundle): string[] {
  const warnings = verification.issues.filter((issue) => issue.severity === "warning").map((issue) => issue.message);
  const shown = warnings.slice(0, 20);
  return warnings.length > shown.length
    ? [...shown, `… and ${warnings.length - shown.length} more warnings; verify lists them`]
    : shown;
}

function strangeTables(scope: ResolvedScope, bundle: Bundle): string[] {
  const known = new Set(scope.tables.map((table) => table.key));
  return Object.keys(bundle.manifest.table_counts)
    .filter((table) => !known.has(table))
    .map((table) => `the table ${table} is not in this installation's scope and is left out`);
}
