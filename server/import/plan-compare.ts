import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import { keyColumn } from "../scope/blob-sql.ts";
import { own } from "../scope/own.ts";
import { withoutKeysSql } from "../scope/without-keys-sql.ts";
import type { PlanInput } from "./plan-input.ts";
import type { StagedRows } from "./stage-rows.ts";
import { type StageColumn, type StageTable, stagedValue } from "./stage-table.ts";

/** The columns that describe a row's stored object: they change together or not at all. */
export function contentColumns(table: StageTable): string[] {
  const { blob } = table.scope;
  if (blob === undefined) return [];
  return [keyColumn(blob), blob.size, blob.sha256, blob.contentType].filter((column) => column !== undefined);
}

/** Columns that the mode may update in an existing row. */
export function updatableColumns({ table, staged, mode }: PlanInput): StageColumn[] {
  if (mode === "replace") return replacedColumns(table, staged);
  if (mode === "skip_existing" || table.scope.appendOnly === true) return [];
  const metadata = table.scope.metadata ?? [];
  const compared = comparedColumns(table, staged).filter((column) => column.name !== table.scope.tenant);
  return mode === "merge" ? compared : compared.filter((column) => metadata.includes(column.name));
}

/** Whatever the bundle has of a row is the row's; the key of its object is decided with the object. */
function replacedColumns(table: StageTable, staged: StagedRows): StageColumn[] {
  const own = new Set([...table.catalog.primaryKey, ...staged.absent]);
  const key = table.scope.blob === undefined ? undefined : keyColumn(table.scope.blob);
  return table.carried.filter(({ name }) => !own.has(name) && name !== key);
}

/** Columns in which a bundle's row and the target's can be told apart: what belongs to the installation is left aside. */
export function comparedColumns(table: StageTable, staged: StagedRows): StageColumn[] {
  const own = new Set([...table.catalog.primaryKey, ...contentColumns(table), ...staged.absent, ...table.mappedUsers]);
  return table.carried.filter((column) => !own.has(column.name));
}

export function sameRow(input: PlanInput): string {
  const columns = comparedColumns(input.table, input.staged);
  const tests = columns.map((column) => `(${differs(input, column)})`);
  // An existing row has a blob record only where its content differs.
  if (input.table.scope.blob !== undefined) tests.push("b._row is not null");
  return `(${sameImage(input, columns)} or not (${tests.join(" or ") || "false"}))`;
}

export function changedColumns(input: PlanInput): string | null {
  const columns = updatableColumns(input);
  const cases = columns.map((column) => `case when ${differs(input, column)} then ${quoteLiteral(column.name)} end`);
  if (input.mode === "merge" && input.table.scope.blob !== undefined && input.table.scope.appendOnly !== true) {
    cases.push(
      ...contentColumns(input.table).map((name) => `case when b.state in ('write', 'present') then ${quoteLiteral(name)} end`),
    );
  }
  const key = input.mode === "replace" && input.table.scope.blob !== undefined ? keyColumn(input.table.scope.blob) : undefined;
  if (key !== undefined)
    cases.push(`case when b.state in ('write', 'present') and b.key <> t.${quoteIdent(key)} then ${quoteLiteral(key)} end`);
  if (cases.length === 0) return input.mode === "replace" ? "'{}'::text[]" : null;
  return `case when ${sameImage(input, columns)} then '{}'::text[] else array_remove(array[${cases.join(", ")}]::text[], null) end`;
}

/** One comparison of whole rows spares most rows a comparison of every column. */
function sameImage({ table }: PlanInput, columns: StageColumn[]): string {
  if (columns.length === 0 || table.scope.blob !== undefined) return "false";
  const staged = columns.map((column) => stagedValue(column)).join(", ");
  const live = columns.map((column) => comparableValue(table, column)).join(", ");
  const whole = columns.map((column) => asStaged(column, unstrippedValue(table, column))).join(", ");
  const equals = (values: string) => `row(${staged})::record *= row(${values})::record`;
  // What arrives is stripped: a document that equals it has nothing to lose, and most do.
  return whole === live ? equals(live) : `(${equals(whole)} or ${equals(live)})`;
}

/**
 * Images rather than `=`: 10.0 and 10.00 are different values, and some types have no equality at all. Without the casts,
 * PostgreSQL would compare column by column.
 */
export function differs(input: PlanInput, column: StageColumn): string {
  if (input.mode === "replace") return differsFromReplaced(input, column);
  const kept = referencesOf(input.table, column.name).map((i) => `not _miss_${i}`);
  const ragged = input.staged.ragged.has(column.name) ? [presentSql(input.table, column)] : [];
  const unequal = `row(${stagedValue(column)})::record *<> row(${comparableValue(input.table, column)})::record`;
  return [...kept, ...ragged, unequal].join(" and ");
}

/** A reference whose row is nowhere is emptied in an existing row as well. */
function differsFromReplaced(input: PlanInput, column: StageColumn): string {
  const missing = referencesOf(input.table, column.name).map((i) => `_miss_${i}`);
  const staged =
    missing.length === 0 ? stagedValue(column) : `case when ${missing.join(" or ")} then null else ${stagedValue(column)} end`;
  const ragged = input.staged.ragged.has(column.name) ? `${presentSql(input.table, column)} and ` : "";
  return `${ragged}row(${staged})::record *<> row(${comparableValue(input.table, column)})::record`;
}

export function presentSql(table: StageTable, column: StageColumn): string {
  return `(s._absent is null or not ${table.carried.indexOf(column)}::int2 = any(s._absent))`;
}

/** Places of the references that a column is part of. */
export function referencesOf(table: StageTable, column: string): number[] {
  return table.references.flatMap((reference, i) => (reference.columns.includes(column) ? [i] : []));
}

/**
 * The target's rows beside their columns as an export would rewrite them: what the scope keeps back in a bundle (a secret
 * inside of a document, a running state) is no difference, and a merge must not take it away.
 */
export function comparableTarget(table: StageTable): string {
  const rewritten = table.carried.flatMap((column) => {
    const expression = table.scope.rewrite?.[column.name];
    return expression === undefined ? [] : [`((${expression})::${column.type}) as ${quoteIdent(rewrittenName(column.name))}`];
  });
  if (rewritten.length === 0) return quoteTable(table.catalog);
  return `(select *, ${rewritten.join(", ")} from ${quoteTable(table.catalog)})`;
}

/** A column of the target as it would be in a bundle. */
export function comparableValue(table: StageTable, column: StageColumn): string {
  const keys = own(table.scope.withoutKeys, column.name);
  const value = unstrippedValue(table, column);
  return asStaged(column, keys === undefined ? value : `(${withoutKeysSql(value, keys)})::${column.type}`);
}

/** The same before a document loses members. */
function unstrippedValue({ scope }: StageTable, { name }: StageColumn): string {
  return `t.${quoteIdent(scope.rewrite?.[name] === undefined ? name : rewrittenName(name))}`;
}

/** Images of two types do not compare. */
function asStaged({ nullableType, viaJson }: StageColumn, value: string): string {
  return nullableType === null || viaJson ? value : `${value}::${nullableType}`;
}

function rewrittenName(column: string): string {
  return `rewritten ${column}`;
}
