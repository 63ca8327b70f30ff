import { ColumnLookup, textOf } from "../../../engine/json/row.ts";
import type { Bundle } from "../../../engine/read-bundle.ts";
import type { Scope } from "../../scope/define-scope.ts";
import type { StageTable } from "../stage-table.ts";
import type { UserIds } from "./user-ids.ts";

/** E-mail addresses by key, of the users that the bundle carries; empty where the export left them out. */
export async function readBundleUsers(
  bundle: Bundle,
  { users }: Scope,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const emails = new Map<string, string>();
  if (!(users.table in bundle.manifest.table_counts)) return emails;
  const lookup = new ColumnLookup([users.id, users.email]);
  await bundle.readRows(
    users.table,
    {
      row(bytes, fields) {
        const found: string[] = [];
        for (let i = 0; i < fields.count; i++) {
          const column = lookup.find(bytes, fields.keyStart[i]!, fields.keyEnd[i]!, i);
          if (column !== -1) found[column] = valueText(bytes, fields.valueStart[i]!, fields.valueEnd[i]!);
        }
        if (found[0] !== undefined && found[1] !== undefined) emails.set(found[0], found[1]);
      },
    },
    signal,
  );
  return emails;
}

function valueText(bytes: Uint8Array, start: number, end: number): string {
  return bytes[start] === 0x22 ? textOf(bytes, start, end) : new TextDecoder().decode(bytes.subarray(start, end));
}

/** Collects whom the rows of a table name that is not staged. */
export async function collectUsers(
  bundle: Bundle,
  { key, mappedUsers }: StageTable,
  users: UserIds,
  signal?: AbortSignal,
): Promise<void> {
  const lookup = new ColumnLookup(mappedUsers);
  await bundle.readRows(
    key,
    {
      row(bytes, fields) {
        for (let i = 0; i < fields.count; i++) {
          const [start, end] = [fields.valueStart[i]!, fields.valueEnd[i]!];
          const isUser = lookup.find(bytes, fields.keyStart[i]!, fields.keyEnd[i]!, i) !== -1;
          // n begins null.
          if (isUser && bytes[start] !== 0x6e) users.find(bytes, start, end);
        }
      },
    },
    signal,
  );
}
