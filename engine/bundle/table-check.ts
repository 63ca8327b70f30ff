import { BackupError, type Issue } from "../errors.ts";
import { ColumnLookup, type RowFields, textOf } from "../json/row.ts";
import { maxIssues } from "./findings.ts";
import type { ManifestTable } from "./manifest.ts";
import type { RowPlace } from "./read-table.ts";

/** PostgreSQL's own bound; a row that keeps inventing columns must not fill the memory. */
const maxColumns = 1664;

/** Holds the rows of one table against what the manifest says of it. */
export class TableCheck {
  readonly issues: Issue[] = [];
  /** Beyond those in `issues`. */
  moreErrors = 0;
  moreWarnings = 0;
  readonly #entry: string;
  readonly #record: ManifestTable | undefined;
  readonly #fileIds: ReadonlySet<string>;
  readonly #claimed: Set<string>;
  readonly #names: string[] = [];
  readonly #lookup: ColumnLookup;
  readonly #fileColumn: number;
  /** Row in which a column was last seen: finds a repeated key without clearing anything between rows. */
  readonly #seenIn: number[] = [];

  constructor(entry: string, record: ManifestTable | undefined, fileIds: ReadonlySet<string>, claimed: Set<string>) {
    this.#entry = entry;
    this.#record = record;
    this.#fileIds = fileIds;
    this.#claimed = claimed;
    this.#names = [...(record?.columns ?? [])];
    this.#lookup = new ColumnLookup(this.#names);
    this.#fileColumn = record?.file_id === undefined ? -1 : this.#names.indexOf(record.file_id);
  }

  row(bytes: Uint8Array, fields: RowFields, place: RowPlace): void {
    let fileId: string | undefined;
    for (let i = 0; i < fields.count; i++) {
      const column = this.#column(bytes, fields, i, place);
      if (this.#seenIn[column] === place.row) this.#add("error", `the column ${this.#names[column]} appears twice`, place);
      this.#seenIn[column] = place.row;
      if (column === this.#fileColumn) fileId = plainText(bytes, fields.valueStart[i]!, fields.valueEnd[i]!);
    }
    if (this.#record?.file_id !== undefined) this.#checkFile(fileId, place);
  }

  #column(bytes: Uint8Array, fields: RowFields, i: number, place: RowPlace): number {
    const known = this.#lookup.find(bytes, fields.keyStart[i]!, fields.keyEnd[i]!, i);
    if (known !== -1) return known;
    const name = textOf(bytes, fields.keyStart[i]!, fields.keyEnd[i]!);
    if (this.#names.length > maxColumns) {
      throw new BackupError("SCHEMA_TABLE", `${this.#entry} has more than ${maxColumns} different columns`, {
        entry: this.#entry,
      });
    }
    if (this.#record !== undefined) this.#add("warning", `the column ${name} is not in the manifest`, place, name);
    this.#lookup.add(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  #checkFile(id: string | undefined, place: RowPlace): void {
    if (id !== undefined && this.#fileIds.has(id)) {
      this.#claimed.add(id);
      return;
    }
    const message = `${this.#entry}, line ${place.line}: file ${id ?? "without an id"} is neither in the bundle nor marked external or missing`;
    this.#keep({ severity: "error", code: "INTEGRITY_MISSING", message, details: { entry: this.#entry, ...place } });
  }

  #add(severity: Issue["severity"], found: string, place: RowPlace, column?: string): void {
    const message = `${this.#entry}, line ${place.line} (row ${place.row}): ${found}`;
    const details = { entry: this.#entry, ...place, ...(column === undefined ? {} : { column }) };
    this.#keep({ severity, code: "SCHEMA_ROW", message, details });
  }

  #keep(issue: Issue): void {
    if (this.issues.length < maxIssues) this.issues.push(issue);
    else if (issue.severity === "error") this.moreErrors++;
    else this.moreWarnings++;
  }
}

/** A string's text, any other scalar as it is written. */
function plainText(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] === 0x22) return textOf(bytes, start, end);
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 64)));
}
