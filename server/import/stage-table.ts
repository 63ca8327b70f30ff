import type { CatalogColumn } from "../database/catalog.ts";
import { quoteIdent } from "../database/session.ts";
import { own } from "../scope/own.ts";
import type { ResolvedForeignKey, ResolvedScope, ResolvedTable } from "../scope/resolve-scope.ts";
import { KeySet } from "../scope/without-keys.ts";
import type { ValueForm } from "./copy-text.ts";

/**
 * A table of the bundle on its way in: staged in a temporary table of the import's own session, which PostgreSQL drops with
 * the session whatever happens.
 */
export interface StageTable extends ResolvedTable {
  /** Its place among the staged tables, in names. */
  number: number;
  /** The rows as the bundle has them. */
  original: string;
  /** The rows as they would arrive: those of `original`, or of `mapped` where keys or references are others in the target. */
  stage: string;
  mapped: string;
  /** Rows that are in the target under another key, and those that get a new number. */
  match: string;
  plan: string;
  /** The table as it will be, in mode `replace`; and the rows that go. */
  shadow: string;
  gone: string;
  /** An earlier plan of the same rows, to be held against the one that is made now. */
  earlier: string;
  /** Where the planned state of each stored object is kept, for a table that owns some. */
  blobs: string;
  /** Columns that are carried from the bundle. */
  carried: StageColumn[];
  /** Columns that become the importer on insert and are never updated. */
  importer: string[];
  /** Nullable references to users: empty on insert where the user is not mapped, and never updated. */
  unassigned: string[];
  /** Columns that name users and are carried, each mapped to a user of the target or NULL. */
  mappedUsers: string[];
  /** Those of them without which a row cannot enter. */
  requiredUsers: string[];
  /** Keys that are checked against bundle and target. */
  references: ResolvedForeignKey[];
}

export interface StageColumn extends CatalogColumn {
  form: ValueForm;
  /** Keys whose members a document loses on its way in. */
  withoutKeys: KeySet | undefined;
  /** The staged text cannot be read as the column's type by COPY: it is staged as JSON and converted by PostgreSQL. */
  viaJson: boolean;
}

/** With a mapping of users, the columns that name some are carried as well. */
export function stageTable(scope: ResolvedScope, table: ResolvedTable, number: number, mapsUsers: boolean): StageTable {
  // Where accounts enter like any other row, references to them are ordinary ones.
  const isLocal = ({ parent, parentEnters }: ResolvedForeignKey) => parent === scope.scope.users.table && !parentEnters;
  const users = table.foreignKeys.filter(isLocal);
  const required = users.filter((foreignKey) => foreignKey.clearable.length === 0).flatMap((foreignKey) => foreignKey.columns);
  const requiredUsers = table.scope.needsUserMapping === undefined ? [] : required;
  const importer = [...new Set([...required, ...(table.scope.importer ?? [])])].filter((name) => !requiredUsers.includes(name));
  const unassigned = users
    .flatMap((foreignKey) => foreignKey.columns)
    .filter((column) => !importer.includes(column) && !table.catalog.primaryKey.includes(column));
  const local = new Set([...importer, ...unassigned, ...requiredUsers]);
  const mappedUsers = mapsUsers ? [...local] : [];
  return {
    ...table,
    number,
    original: `pg_temp.stage_${number}`,
    stage: `pg_temp.stage_${number}`,
    mapped: `pg_temp.mapped_${number}`,
    match: `pg_temp.match_${number}`,
    plan: `pg_temp.plan_${number}`,
    shadow: `pg_temp.shadow_${number}`,
    gone: `pg_temp.gone_${number}`,
    earlier: `pg_temp.earlier_${number}`,
    blobs: `pg_temp.blobs_${number}`,
    carried: table.columns.filter((column) => mapsUsers || !local.has(column.name)).map((column) => stageColumn(column, table)),
    importer,
    unassigned,
    mappedUsers,
    requiredUsers,
    references: table.foreignKeys.filter((foreignKey) => !foreignKey.columns.some((column) => local.has(column))),
  };
}

function stageColumn(column: CatalogColumn, { scope }: ResolvedTable): StageColumn {
  const keys = own(scope.withoutKeys, column.name);
  return { ...column, ...stagedForm(column), withoutKeys: keys && new KeySet(keys) };
}

function stagedForm({ category, element, isJson, notNull }: CatalogColumn): Pick<StageColumn, "form" | "viaJson"> {
  const oddElements = element !== null && (element.category === "C" || element.isJson || element.delimiter !== ",");
  if (category === "C" || oddElements) return { form: "record", viaJson: true };
  if (isJson) return { form: notNull ? "json-required" : "json", viaJson: false };
  return { form: category === "A" ? "array" : "scalar", viaJson: false };
}

/** CREATE TEMPORARY TABLE takes a name without its schema. */
export function unqualified(name: string): string {
  return name.slice("pg_temp.".length);
}

export function createStageSql(table: StageTable): string {
  const columns = table.carried.map(
    (column) => `${quoteIdent(column.name)} ${column.viaJson ? "json" : (column.nullableType ?? column.type)}`,
  );
  // _absent: places of the columns that the row did not have, which is something else than NULL.
  return `create temporary table ${unqualified(table.original)} (${["_row int8", "_absent int2[]", ...columns].join(", ")})`;
}

export function copyStageSql(table: StageTable): string {
  const columns = ["_row", "_absent", ...table.carried.map((column) => quoteIdent(column.name))];
  return `copy ${table.original} (${columns.join(", ")}) from stdin`;
}

/** The staged value of a column, as the column's own type. */
export function stagedValue(column: StageColumn, alias = "s"): string {
  const name = `${alias}.${quoteIdent(column.name)}`;
  if (!column.viaJson) return name;
  return `(select r.v from json_to_record(json_build_object('v', ${name})) as r (v ${column.type}))`;
}
