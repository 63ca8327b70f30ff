import type { ManifestTable } from "../../../engine/bundle/manifest.ts";
import type { TableVisitor } from "../../../engine/bundle/read-table.ts";
import { BackupError } from "../../../engine/errors.ts";
import { RowFields, scanRow } from "../../../engine/json/row.ts";
import { incomplete, JsonSyntaxError } from "../../../engine/json/scanner.ts";
import type { Bundle } from "../../../engine/read-bundle.ts";
import type { Scope } from "../define-scope.ts";
import type { UpgradeStep } from "./steps.ts";
import { type ColumnStep, columnsOf, rowBytes, upgradeRow } from "./upgrade-row.ts";

/** A table of an older bundle: its name there, and what its rows go through. */
interface OldTable {
  source: string;
  steps: ColumnStep[];
}

/** An older bundle as one of today's version of the scope; the same bundle where there is nothing to do. */
export function upgradeBundle(bundle: Bundle, scope: Scope): { bundle: Bundle; renamed(table: string): string | undefined } {
  const { version } = bundle.manifest.scope;
  const due = (scope.upgrades ?? []).filter(({ to }) => to > version);
  if (due.length === 0) return { bundle, renamed: (table) => table };
  const tables = oldTables(
    bundle,
    due.flatMap(({ steps }) => steps),
  );
  const names = new Map([...tables].map(([name, { source }]) => [source, name]));
  const upgraded: Bundle = {
    ...bundle,
    manifest: { ...manifestOf(bundle, tables), warnings: [...bundle.manifest.warnings, remark(version, scope)] },
    readRows: (name, visitor, signal) => {
      const { source, steps } = tables.get(name) ?? { source: name, steps: [] };
      return bundle.readRows(source, steps.length === 0 ? visitor : upgrading(visitor, steps, name), signal);
    },
  };
  return { bundle: upgraded, renamed: (table) => names.get(table) };
}

function remark(version: number, scope: Scope): string {
  return `the bundle is of version ${version} of the scope ${scope.name}; its rows were brought to version ${scope.version}`;
}

function oldTables({ manifest }: Bundle, steps: readonly UpgradeStep[]): Map<string, OldTable> {
  const tables = new Map(
    Object.keys(manifest.table_counts).map((name): [string, OldTable] => [name, { source: name, steps: [] }]),
  );
  for (const step of steps) {
    if ("dropTable" in step) tables.delete(step.dropTable);
    else if ("table" in step) tables.get(step.table)?.steps.push(step);
    else {
      const table = tables.get(step.renameTable);
      tables.delete(step.renameTable);
      if (table !== undefined) tables.set(step.to, table);
    }
  }
  return tables;
}

function manifestOf({ manifest }: Bundle, tables: ReadonlyMap<string, OldTable>): Bundle["manifest"] {
  const records = new Map(manifest.tables.map((table) => [table.name, table]));
  const renamed = [...tables].flatMap(([name, { source, steps }]) => {
    const record = records.get(source);
    return record === undefined ? [] : [{ ...withColumns(record, steps), name }];
  });
  const counts = [...tables].map(([name, { source }]) => [name, manifest.table_counts[source]!]);
  return { ...manifest, tables: renamed, table_counts: Object.fromEntries(counts) };
}

function withColumns(record: ManifestTable, steps: readonly ColumnStep[]): ManifestTable {
  let columns = record.columns;
  let fileId = record.file_id;
  for (const step of steps) {
    if ("renameColumn" in step) {
      columns = columns.map((name) => (name === step.renameColumn ? step.to : name));
      if (fileId === step.renameColumn) fileId = step.to;
    } else if ("dropColumn" in step) columns = columns.filter((name) => name !== step.dropColumn);
    else if ("setColumn" in step && !columns.includes(step.setColumn)) columns = [...columns, step.setColumn];
  }
  return { ...record, columns, ...(fileId === undefined ? {} : { file_id: fileId }) };
}

function upgrading(visitor: TableVisitor, steps: readonly ColumnStep[], table: string): TableVisitor {
  const fields = new RowFields();
  return {
    row(bytes, old, place) {
      const row = rowBytes(steps.reduce(upgradeRow, columnsOf(bytes, old)));
      scan(row, fields, table, place.row);
      visitor.row(row, fields, place, 0, row.length);
    },
    ...(visitor.pause && { pause: () => visitor.pause!() }),
  };
}

/** @throws BackupError `SCHEMA_SCOPE` where a step gave something that is no JSON. */
function scan(row: Uint8Array, fields: RowFields, table: string, number: number): void {
  try {
    if (scanRow(row, 0, row.length, fields) !== incomplete) return;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
  }
  throw new BackupError("SCHEMA_SCOPE", `${table}, row ${number}: an upgrade step gave a value that is no JSON text`, {
    table,
    row: number,
  });
}
