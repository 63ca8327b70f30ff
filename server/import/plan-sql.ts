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
  /** Rows in the plan table, once there is one. */
  planned: number;
  /** Every staged table, for references. */
  inputs: ReadonlyMap<string, PlanInput>;
}

/**
 * The plan table has a row for every staged row: its outcome, which references it must give up (a bit for each of
 * `references`), which columns an update changes, and a hash of the target's row that an update would replace. Where the
 * target's table is empty, nearly every row is a plain insert, and only the others are written down.
 */
export function createPlanSql(input: PlanInput): string[] {
  const { plan } = input.table;
  return [
    `drop table if exists ${plan}`,
    `create temporary table ${unqualified(plan)} as ${input.targetEmpty ? exceptionsSql(input) : outcomesSql(input)}`,
    `alter table ${plan} add primary key (_row)`,
    `analyze ${plan}`,
  ];
}

/** Staged rows `s` beside their plan `p`. */
export function plannedRows({ table, targetEmpty }: PlanInput): string {
  return `${table.stage} s ${targetEmpty ? "left join" : "join"} ${table.plan} p using (_row)`;
}

export function outcomeOf({ targetEmpty }: PlanInput, alias = "p"): string {
  return targetEmpty ? `coalesce(${alias}.outcome, 'insert')` : `${alias}.outcome`;
}

export function clearedOf({ targetEmpty }: PlanInput): string {
  return targetEmpty ? "coalesce(p.cleared, 0)" : "p.cleared";
}

function exceptionsSql(input: PlanInput): string {
  const { table } = input;
  return `select _row, outcome, cleared, null::text[] as changed, null::text as old_hash,
      case when outcome = 'missing_parent' then lost end as "constraint", null::text as holder
    from (
      select _row, cleared, lost,
        case when lost is not null then 'missing_parent' when blob_state = 'missing' then 'blob_missing' else 'insert' end as outcome
      from (
        select s._row, b.state as blob_state, ${lostSql(table)} as lost, ${clearedSql(table)} as cleared
        from (${withMissing(input)}) s left join ${blobsOf(table)} b on b._row = s._row offset 0
      ) compared
    ) decided where outcome <> 'insert' or cleared <> 0`;
}

function outcomesSql(input: PlanInput): string {
  const { table } = input;
  const key = table.catalog.primaryKey;
  const changed = changedColumns(input);
  // OFFSET 0 keeps the comparison from being evaluated once for each of its mentions.
  return `select _row, outcome, cleared, case when outcome in ('update', 'metadata_update') then changed end as changed,
      case when outcome in ('update', 'metadata_update') then md5(old::text) end as old_hash,
      case when outcome = 'missing_parent' then lost end as "constraint", null::text as holder
    from (
      select _row, cleared, changed, old, lost, ${outcomeSql(input, changed !== null)} as outcome
      from (
        select s._row, t as old, t.${quoteIdent(key[0]!)} is not null as existing, b.state as blob_state,
          ${otherTenant(table)} as other_tenant, ${sameRow(input)} as same, ${changed ?? "null::text[]"} as changed,
          ${lostSql(table)} as lost, ${clearedSql(table)} as cleared
        from (${withMissing(input)}) s
        left join ${comparableTarget(table)} t on ${joinOn(key, "t", "s")}
        left join ${blobsOf(table)} b on b._row = s._row
        offset 0
      ) compared
    ) decided`;
}

/**
 * The target's rows beside their columns as an export would rewrite them: what the scope keeps back in a bundle (a secret
 * inside of a document, a running state) is no difference, and a merge must not take it away.
 */
function comparableTarget(table: StageTable): string {
  const rewritten = table.carried.flatMap((column) => {
    const expression = table.scope.rewrite?.[column.name];
    return expression === undefined ? [] : [`((${expression})::${column.type}) as ${quoteIdent(rewrittenName(column.name))}`];
  });
  if (rewritten.length === 0) return quoteTable(table.catalog);
  return `(select *, ${rewritten.join(", ")} from ${quoteTable(table.catalog)})`;
}

function rewrittenName(column: string): string {
  return `rewritten ${column}`;
}

/** A column of the target as it would be in a bundle. */
function comparableValue({ scope }: StageTable, { name }: StageColumn): string {
  return `t.${quoteIdent(scope.rewrite?.[name] === undefined ? name : rewrittenName(name))}`;
}

function clearedSql(table: StageTable): string {
  return table.references.map((_, i) => `case when miss_${i} then ${2 ** i} else 0 end`).join(" + ") || "0";
}

function unqualified(name: string): string {
  return name.slice("pg_temp.".length);
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
function withMissing(input: PlanInput): string {
  const { table } = input;
  const joins: string[] = [];
  const columns = table.references.map((reference, i) => {
    const tests = reference.columns.map((column) => `s.${quoteIdent(column)} is not null`);
    for (const [place, parents] of parentSources(input, reference).entries()) {
      const alias = `parent_${i}_${place}`;
      joins.push(`left join ${parents} ${alias} on ${matchParent(reference, alias)}`);
      tests.push(`${alias}.${quoteIdent(reference.parentColumns[0]!)} is null`);
    }
    return `(${tests.join(" and ")}) as miss_${i}`;
  });
  if (columns.length === 0) return `select s.* from ${table.stage} s`;
  return `select s.*, ${columns.join(", ")} from ${table.stage} s ${joins.join(" ")}`;
}

export function matchParent({ columns, parentColumns }: ResolvedForeignKey, alias: string): string {
  return columns.map((column, k) => `${alias}.${quoteIdent(parentColumns[k]!)} = s.${quoteIdent(column)}`).join(" and ");
}

/** Where a reference's parent can be: in the target, and among the rows that the plan inserts. */
function parentSources({ table, inputs }: PlanInput, reference: ResolvedForeignKey): string[] {
  const parent = inputs.get(reference.parent);
  if (parent === undefined) return [tableOf(reference.parent)];
  // A self reference or a cycle: the parent's plan is not made yet, and `settleReferences` looks again.
  const open = parent.table.key === table.key || reference.deferred;
  const staged = open ? parent.table.stage : arrivingRows(parent, reference);
  return parent.targetEmpty ? [staged] : [tableOf(reference.parent), staged];
}

/** The keys of a table's rows that the plan inserts. */
export function arrivingRows(parent: PlanInput, reference: ResolvedForeignKey): string {
  if (parent.targetEmpty && parent.planned === 0) return parent.table.stage;
  const keys = reference.parentColumns.map((name) => `s.${quoteIdent(name)}`).join(", ");
  return `(select ${keys} from ${plannedRows(parent)} where ${outcomeOf(parent)} = 'insert')`;
}

export function tableOf(key: string): string {
  const parts = key.split(".");
  return parts.length === 1 ? `public.${quoteIdent(key)}` : quoteTable({ schema: parts[0]!, name: parts.slice(1).join(".") });
}

/** The name of a foreign key that a row cannot do without and whose parent is missing. */
function lostSql(table: StageTable): string {
  const cases = table.references.flatMap((reference, i) =>
    cannotBeCleared(reference) ? [`when miss_${i} then ${quoteLiteral(reference.name)}`] : [],
  );
  return cases.length === 0 ? "null::text" : `case ${cases.join(" ")} end`;
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
  if (mode !== "skip_existing" && table.scope.appendOnly === true)
    return "case when same then 'identical' else 'append_only' end";
  if (mode === "skip_existing" || !comparable) return "case when same then 'identical' else 'keep' end";
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
  const unequal = `row(${stagedValue(input.table, column)})::record *<> row(${comparableValue(input.table, column)})::record`;
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
  const live = columns.map((column) => comparableValue(table, column)).join(", ");
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
  return `select s._row, ${outcomeOf(input)} as outcome, ${values.join(", ")} from ${plannedRows(input)}
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
    .map((i) => `when ${clearedOf(input)} & ${2 ** i} <> 0 then null`);
  if (staged.ragged.has(name)) cases.push(`when not ${presentSql(table, column)} then ${column.default ?? "null"}`);
  return cases.length === 0 ? value : `case ${cases.join(" ")} else ${value} end`;
}
