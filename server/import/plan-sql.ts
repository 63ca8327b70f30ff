import type { ConflictMode } from "../../engine/plan.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { ResolvedForeignKey } from "../scope/resolve-scope.ts";
import type { StagedRows } from "./stage-rows.ts";
import { type StageColumn, type StageTable, stagedValue } from "./stage-table.ts";

/** A staged table beside what is known of it and of the target when its plan is made. */
export interface PlanInput {
  table: StageTable;
  staged: StagedRows;
  mode: ConflictMode;
  /** The importer's id, as PostgreSQL writes it. */
  importer: string;
  /** The target's table has no rows: there is nothing to compare with. */
  targetEmpty: boolean;
  /** Every staged table, for references. */
  tables: ReadonlyMap<string, StageTable>;
}

/**
 * One row for every staged row: its outcome, which references it must give up (a bit for each of `references`), which
 * columns an update changes, and a hash of the target's row that an update would replace.
 */
export function createPlanSql(input: PlanInput): string {
  const { table } = input;
  const key = table.catalog.primaryKey;
  const changed = changedColumns(input);
  const missing = table.references.map((_, i) => `miss_${i}`);
  const lost = table.references.flatMap((reference, i) => (cannotBeCleared(reference) ? [`miss_${i}`] : []));
  const cleared = missing.map((name, i) => `case when ${name} then ${2 ** i} else 0 end`).join(" + ") || "0";
  // OFFSET 0 keeps the comparison from being evaluated once for each of its mentions.
  return `create temporary table ${unqualified(table.plan)} as
    select _row, outcome, cleared, case when outcome in ('update', 'metadata_update') then changed end as changed,
      case when outcome in ('update', 'metadata_update') then md5(old::text) end as old_hash,
      case when outcome = 'missing_parent' then lost end as "constraint", null::text as holder
    from (
      select _row, cleared, changed, old, lost, ${outcomeSql(input, changed !== null)} as outcome
      from (
        select s._row, t as old, t.${quoteIdent(key[0]!)} is not null as existing, b.state as blob_state,
          ${otherTenant(table)} as other_tenant, ${sameRow(input)} as same,
          ${changed ?? "null::text[]"} as changed,
          ${lostSql(table, lost)} as lost, ${cleared} as cleared
        from (${withMissing(input)}) s
        left join ${targetOf(input)} t on ${joinOn(key, "t", "s")}
        left join ${blobsOf(table)} b on b._row = s._row
        offset 0
      ) compared
    ) decided`;
}

function unqualified(name: string): string {
  return name.slice("pg_temp.".length);
}

function targetOf({ table, targetEmpty }: PlanInput): string {
  return targetEmpty ? `(select * from ${quoteTable(table.catalog)} where false)` : quoteTable(table.catalog);
}

/** Tables without stored objects join nothing. */
function blobsOf(table: StageTable): string {
  return table.scope.blob === undefined ? "(select null::int8 as _row, null::text as state where false)" : table.blobs;
}

export function joinOn(columns: readonly string[], left: string, right: string): string {
  return columns.map((name) => `${left}.${quoteIdent(name)} = ${right}.${quoteIdent(name)}`).join(" and ");
}

/** A missing parent costs the row its place where the reference may not be empty, else only the reference. */
function cannotBeCleared(reference: ResolvedForeignKey): boolean {
  return reference.clearable.length === 0 && !reference.deferred;
}

/** The staged rows with a column `miss_N` for each reference: true where the parent is neither in the target nor on its way in. */
function withMissing({ table, tables }: PlanInput): string {
  const joins: string[] = [];
  const columns = table.references.map((reference, i) => {
    const pairs = reference.columns.map((column, k) => ({ column, parent: reference.parentColumns[k]! }));
    const given = pairs.map(({ column }) => `s.${quoteIdent(column)} is not null`).join(" and ");
    const match = (alias: string) =>
      pairs.map((pair) => `${alias}.${quoteIdent(pair.parent)} = s.${quoteIdent(pair.column)}`).join(" and ");
    const live = tableOf(reference.parent);
    joins.push(`left join ${live} live_${i} on ${match(`live_${i}`)}`);
    const parent = tables.get(reference.parent);
    const liveMissing = `live_${i}.${quoteIdent(pairs[0]!.parent)} is null`;
    if (parent === undefined) return `(${given} and ${liveMissing}) as miss_${i}`;
    joins.push(`left join ${arriving(parent, reference, table)} arriving_${i} on ${match(`arriving_${i}`)}`);
    return `(${given} and ${liveMissing} and arriving_${i}.${quoteIdent(pairs[0]!.parent)} is null) as miss_${i}`;
  });
  if (columns.length === 0) return `select s.* from ${table.stage} s`;
  return `select s.*, ${columns.join(", ")} from ${table.stage} s ${joins.join(" ")}`;
}

/** Rows of a parent that the plan inserts; all staged ones where its plan is not made yet (a self reference or a cycle). */
function arriving(parent: StageTable, reference: ResolvedForeignKey, table: StageTable): string {
  const keys = reference.parentColumns.map(quoteIdent).join(", ");
  if (parent.key === table.key || reference.deferred) return `(select ${keys} from ${parent.stage})`;
  const qualified = reference.parentColumns.map((name) => `ps.${quoteIdent(name)}`).join(", ");
  return `(select ${qualified} from ${parent.stage} ps join ${parent.plan} pp using (_row) where pp.outcome = 'insert')`;
}

function tableOf(key: string): string {
  const parts = key.split(".");
  return parts.length === 1 ? `public.${quoteIdent(key)}` : quoteTable({ schema: parts[0]!, name: parts.slice(1).join(".") });
}

function lostSql(table: StageTable, lost: string[]): string {
  if (lost.length === 0) return "null::text";
  const cases = table.references.flatMap((reference, i) =>
    cannotBeCleared(reference) ? [`when miss_${i} then ${quoteLiteral(reference.name)}`] : [],
  );
  return `case ${cases.join(" ")} end`;
}

function otherTenant(table: StageTable): string {
  const { tenant } = table.scope;
  if (tenant === undefined || table.catalog.primaryKey.includes(tenant)) return "false";
  return `t.${quoteIdent(tenant)} is distinct from s.${quoteIdent(tenant)}`;
}

function outcomeSql({ mode, table }: PlanInput, comparable: boolean): string {
  const existing = existingOutcome(mode, table, comparable);
  return `case
    when existing and other_tenant then 'other_tenant'
    when existing then ${existing}
    when lost is not null then 'missing_parent'
    when blob_state = 'missing' then 'blob_missing'
    else 'insert' end`;
}

function existingOutcome(mode: ConflictMode, table: StageTable, comparable: boolean): string {
  if (mode === "skip_existing" || !comparable) return "case when same then 'identical' else 'keep' end";
  if (table.scope.appendOnly === true) return "case when same then 'identical' else 'append_only' end";
  if (mode === "merge") return "case when cardinality(changed) = 0 then 'identical' else 'update' end";
  return "case when cardinality(changed) > 0 then 'metadata_update' when same then 'identical' else 'keep' end";
}

/** Columns in which a bundle's row and the target's can be told apart: what belongs to the installation is left aside. */
function comparedColumns(table: StageTable, staged: StagedRows): StageColumn[] {
  const own = new Set([...table.catalog.primaryKey, ...contentColumns(table), ...staged.absent]);
  return table.carried.filter((column) => !own.has(column.name));
}

/** The columns that describe a row's stored object: they change together or not at all. */
export function contentColumns(table: StageTable): string[] {
  const { blob } = table.scope;
  return blob === undefined ? [] : [blob.key, blob.size, blob.sha256, blob.contentType];
}

/** Columns that the mode may update in an existing row. */
export function updatableColumns({ table, staged, mode }: PlanInput): StageColumn[] {
  if (mode === "skip_existing" || table.scope.appendOnly === true) return [];
  const metadata = table.scope.metadata ?? [];
  const compared = comparedColumns(table, staged).filter((column) => column.name !== table.scope.tenant);
  return mode === "merge" ? compared : compared.filter((column) => metadata.includes(column.name));
}

/**
 * Images rather than `=`: 10.0 and 10.00 are different values, and some types have no equality at all. Without the casts,
 * PostgreSQL would compare column by column.
 */
function differs(input: PlanInput, column: StageColumn): string {
  const kept = referencesOf(input.table, column.name).map((i) => `not miss_${i}`);
  const ragged = input.staged.ragged.has(column.name) ? [presentSql(input.table, column)] : [];
  const unequal = `row(${stagedValue(input.table, column)})::record *<> row(t.${quoteIdent(column.name)})::record`;
  return [...kept, ...ragged, unequal].join(" and ");
}

function presentSql(table: StageTable, column: StageColumn): string {
  return `(s._absent is null or not ${table.carried.indexOf(column)}::int2 = any(s._absent))`;
}

/** Places of the references that a column is part of. */
function referencesOf(table: StageTable, column: string): number[] {
  return table.references.flatMap((reference, i) => (reference.columns.includes(column) ? [i] : []));
}

function sameRow(input: PlanInput): string {
  const columns = comparedColumns(input.table, input.staged);
  const tests = columns.map((column) => `(${differs(input, column)})`);
  // An existing row has a blob record only where its content differs.
  if (input.table.scope.blob !== undefined) tests.push("b._row is not null");
  return `(${sameImage(input, columns)} or not (${tests.join(" or ") || "false"}))`;
}

function changedColumns(input: PlanInput): string | null {
  const columns = updatableColumns(input);
  const cases = columns.map((column) => `case when ${differs(input, column)} then ${quoteLiteral(column.name)} end`);
  if (input.mode === "merge" && input.table.scope.blob !== undefined && input.table.scope.appendOnly !== true) {
    cases.push(
      ...contentColumns(input.table).map((name) => `case when b.state in ('write', 'present') then ${quoteLiteral(name)} end`),
    );
  }
  if (cases.length === 0) return null;
  return `case when ${sameImage(input, columns)} then '{}'::text[] else array_remove(array[${cases.join(", ")}]::text[], null) end`;
}

/** One comparison of whole rows spares most rows a comparison of every column. */
function sameImage({ table }: PlanInput, columns: StageColumn[]): string {
  if (columns.length === 0 || table.scope.blob !== undefined) return "false";
  const staged = columns.map((column) => stagedValue(table, column)).join(", ");
  const live = columns.map((column) => `t.${quoteIdent(column.name)}`).join(", ");
  return `row(${staged})::record *= row(${live})::record`;
}

/**
 * The rows as they would be stored, under the names of the target's columns, so that expressions of its indexes can be
 * evaluated over them. References that point forward are still there.
 */
export function finalRow(input: PlanInput): string {
  const { table, targetEmpty } = input;
  const key = table.catalog.primaryKey;
  const values = table.catalog.columns.map(({ name }) => {
    const inserted = finalValue(input, name);
    const kept = `p.outcome <> 'insert' and not ${quoteLiteral(name)} = any(p.changed)`;
    const value =
      targetEmpty || key.includes(name) ? inserted : `case when ${kept} then t.${quoteIdent(name)} else ${inserted} end`;
    return `${value} as ${quoteIdent(name)}`;
  });
  const target = targetEmpty ? "" : `left join ${quoteTable(table.catalog)} t on ${joinOn(key, "t", "s")}`;
  return `select s._row, p.outcome, ${values.join(", ")} from ${table.stage} s join ${table.plan} p using (_row)
    left join ${blobsOf(table)} b on b._row = s._row ${target}`;
}

/** A column's value on insert. Columns that are not carried have the value that their default gives, or none. */
export function finalValue(input: PlanInput, name: string): string {
  const { table, importer, staged } = input;
  const column = table.carried.find((carried) => carried.name === name);
  const type = table.catalog.columns.find((candidate) => candidate.name === name)!.type;
  if (table.importer.includes(name)) return `${quoteLiteral(importer)}::${type}`;
  if (column === undefined) return `null::${type}`;
  const value = name === table.scope.blob?.key ? `coalesce(b.key, ${stagedValue(table, column)})` : stagedValue(table, column);
  const cases = referencesOf(table, name)
    .filter((i) => table.references[i]!.clearable.includes(name))
    .map((i) => `when p.cleared & ${2 ** i} <> 0 then null`);
  if (staged.ragged.has(name)) cases.push(`when not ${presentSql(table, column)} then ${column.default ?? "null"}`);
  return cases.length === 0 ? value : `case ${cases.join(" ")} else ${value} end`;
}
