import type { Sql } from "postgres";
import type { ManifestFile } from "../../engine/bundle/manifest.ts";
import type { FilePool } from "../../engine/file-pool.ts";
import type { ConflictMode, ImportChoices } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { readCatalog } from "../database/catalog.ts";
import type { Scope } from "../scope/define-scope.ts";
import { enters, type ResolvedScope, resolveScope } from "../scope/resolve-scope.ts";
import { resolveChoices } from "./choices.ts";
import type { BlobDecision } from "./decide-blob.ts";
import { directTables } from "./direct/direct-tables.ts";
import { enteringTables, notImported, strangeTables, whyOut } from "./entering-tables.ts";
import type { ImportProgress } from "./import-request.ts";
import type { Importer } from "./importer.ts";
import type { PlanKeeper } from "./kept/keep-plan.ts";
import { findCopies } from "./known-blobs.ts";
import { isEmpty, type PlanContext } from "./make-plan.ts";
import { replaceOpenReferences } from "./match/map-references.ts";
import { matchRows, type Numbering } from "./match/match-rows.ts";
import { planBlobs, repeatBlobs } from "./plan-blobs.ts";
import type { PlanInput } from "./plan-input.ts";
import { refuseRepeatedKeys } from "./plan-unique.ts";
import { keptTables } from "./replace/held-tables.ts";
import { rewriteRows } from "./rewrite-rows.ts";
import { type StagedRows, stageRows } from "./stage-rows.ts";
import { type StageTable, stageTable } from "./stage-table.ts";
import { selectTenants } from "./tenants.ts";
import { collectUsers, readBundleUsers } from "./users/bundle-users.ts";
import { plannedUsers } from "./users/planned-users.ts";
import { UserIds } from "./users/user-ids.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";

interface PrepareRequest {
  store: BlobStore;
  scope: Scope;
  mode: ConflictMode;
  choices: Partial<ImportChoices>;
  numbering: Numbering;
  importer: Importer;
  pool?: FilePool;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  keeper?: PlanKeeper;
  /** Looks for tables that need not be staged. */
  direct?: boolean;
  /** Called before anything comes of the rows: when all of them are staged, or before that where some go straight into their tables. */
  onVerifiable?: () => Promise<void>;
  /** Where stored objects would come from, as this import has decided before, by table. */
  decided?: ReadonlyMap<string, BlobDecision[]>;
}

/** Stages the rows of a bundle and decides where each stored object would come from: all that a plan needs. */
export async function prepareImport(sql: Sql, request: PrepareRequest, verified: VerifiedBundle): Promise<PlanContext> {
  await tuneSession(sql);
  const catalog = await readCatalog(sql);
  const scope = resolveScope(request.scope, catalog);
  const { bundle } = verified;
  // Accounts that enter like any other row are nobody's to be mapped.
  const usersEnter = enters(request.scope, request.scope.users.table);
  const bundleUsers = usersEnter ? new Map<string, string>() : await readBundleUsers(bundle, request.scope, request.signal);
  const choices = await resolveChoices(sql, request, bundle, bundleUsers);
  const users = new UserIds(new Map(Object.entries(choices.user_map)));
  const kept = request.mode === "replace" ? keptTables(scope, bundle) : {};
  const tables = enteringTables(scope, bundle, choices)
    .filter(({ key }) => !Object.hasOwn(kept, key))
    .map((table, i) => stageTable(scope, table, i, users.maps));
  const direct = request.direct === true ? await directTables(sql, tables, bundle, request) : new Set<string>();
  if (direct.size > 0) await request.onVerifiable?.();
  const inputs = await stageTables(sql, request, { tables, direct, verified, users });
  await collectOtherUsers(scope, bundle, choices, users, request.signal);
  if (direct.size === 0) await request.onVerifiable?.();
  for (const input of inputs) await refuseRepeatedKeys(sql, input);
  const rewritten = await rewriteRows(sql, inputs);
  if (choices.match_natural_keys) {
    await matchRows(sql, inputs, request.numbering);
    await replaceOpenReferences(sql, inputs);
  }
  for (const input of inputs) keepFiltersOut(input);
  if (request.choices.tenants) choices.tenants = await selectTenants(sql, scope, inputs, request.choices.tenants, catalog);
  return {
    inputs,
    mode: request.mode,
    choices,
    importer: request.importer.id,
    bundleSha256: verified.sha256,
    notImported: notImported(scope, verified, choices),
    blobs: await planAllBlobs(sql, request, scope, inputs, bundle),
    users: () => plannedUsers(sql, request.scope, users, bundleUsers, choices.user_map),
    userIds: users,
    bundle,
    ...(request.mode === "replace" && { replace: { scope: request.scope, catalog, kept } }),
    warnings: [
      ...bundle.manifest.warnings,
      ...strangeTables(scope, bundle),
      ...strangeUsers(choices, users),
      ...rewritten,
      ...verificationWarnings(verified),
    ],
  };
}

/** What the scope's filter would not let out is kept out as well. */
function keepFiltersOut(input: PlanInput): void {
  const { where, whereOnImport } = input.table.scope;
  if (where === undefined || whereOnImport !== true) return;
  input.filtered = true;
  input.outside = `s._row in (select _row from ${input.table.stage} where (${where}) is not true)`;
}

/**
 * Staging lives in temporary tables: their buffers can only be sized before the first use. What is asked of them joins whole tables, for
 * which a sample of 9,000 rows says enough; of 30,000, it costs as much as a tenth of the staging.
 */
async function tuneSession(sql: Sql): Promise<void> {
  const settings = [
    "temp_buffers = '128MB'",
    "work_mem = '64MB'",
    "default_statistics_target = 30",
    "client_min_messages = warning",
  ];
  await sql.unsafe(settings.map((setting) => `set ${setting}`).join("; "));
}

async function stageTables(
  sql: Sql,
  { mode, importer, signal, keeper, onProgress }: PrepareRequest,
  from: { tables: StageTable[]; direct: ReadonlySet<string>; verified: VerifiedBundle; users: UserIds },
): Promise<PlanInput[]> {
  const { direct, verified, users } = from;
  const inputs = new Map<string, PlanInput>();
  const stage = async (table: StageTable) => {
    const onRows = (rows: number) => onProgress?.({ phase: "stage", table: table.key, rows });
    onRows(0);
    const keys = keeper?.keysOf(table);
    return stageRows(sql, verified.bundle, table, { onRows, users, ...(signal && { signal }), ...(keys && { keys }) });
  };
  for (const table of from.tables) {
    const staged = direct.has(table.key) ? expectedRows(table, verified) : await stage(table);
    inputs.set(table.key, {
      ...(direct.has(table.key) && { direct: "awaited" }),
      table,
      staged,
      mode,
      importer: importer.id,
      targetEmpty: await isEmpty(sql, table),
      earlierEmpty: false,
      matched: 0,
      renumbered: 0,
      planned: 0,
      inputs,
    });
  }
  return [...inputs.values()];
}

/** What is known of rows before they are read a second time. */
function expectedRows({ key }: StageTable, { verification }: VerifiedBundle): StagedRows {
  return {
    rows: verification.rows[key] ?? 0,
    dropped: [],
    absent: new Set(),
    ragged: new Set(),
    ascending: true,
    stripped: new Map(),
  };
}

/** Rows that would enter by a mapping of users name some as well. */
async function collectOtherUsers(
  scope: ResolvedScope,
  bundle: Bundle,
  choices: ImportChoices,
  users: UserIds,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const table of scope.tables) {
    const mayEnter = table.scope.importNever === undefined && table.scope.needsUserMapping !== undefined;
    if (!mayEnter || whyOut(table, choices) === undefined || !(table.key in bundle.manifest.table_counts)) continue;
    await collectUsers(bundle, stageTable(scope, table, 0, true), users, signal);
  }
}

async function planAllBlobs(
  sql: Sql,
  { store, pool, signal, decided }: PrepareRequest,
  { tables }: ResolvedScope,
  inputs: readonly PlanInput[],
  bundle: Bundle,
): Promise<Map<string, BlobDecision[]>> {
  const blobs = new Map<string, BlobDecision[]>();
  const files = new Map(bundle.manifest.files.map((file) => [file.id, file] as [string, ManifestFile]));
  const { omitted } = bundle;
  const copies = omitted.size === 0 ? new Map() : await findCopies(sql, tables, [...omitted.values()]);
  for (const input of inputs) {
    if (input.table.scope.blob === undefined) continue;
    const known = decided?.get(input.table.key);
    const optional = { ...(pool && { pool }), ...(signal && { signal }) };
    blobs.set(
      input.table.key,
      known === undefined
        ? await planBlobs(sql, input, { store, files, omitted, copies, ...optional })
        : await repeatBlobs(sql, input, known),
    );
  }
  return blobs;
}

function strangeUsers({ user_map }: ImportChoices, { users, truncated }: UserIds): string[] {
  const named = new Set(users.map(({ id }) => id));
  if (truncated) return [];
  const strange = Object.keys(user_map).filter((id) => !named.has(id));
  return strange.map((id) => `the user ${id} is mapped, and no row of the bundle names them`);
}

/** One strange column gives a warning for its first row, and a strange bundle many: the first of them say enough. */
function verificationWarnings({ verification }: VerifiedBundle): string[] {
  const warnings = verification.issues.filter((issue) => issue.severity === "warning").map((issue) => issue.message);
  const shown = warnings.slice(0, 20);
  return warnings.length > shown.length
    ? [...shown, `… and ${warnings.length - shown.length} more warnings; verify lists them`]
    : shown;
}
