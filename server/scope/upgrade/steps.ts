import * as v from "valibot";

/** What a step may ask of a row: the JSON text of a column, or `undefined` where the row lacks it. */
export type OldRow = (column: string) => string | undefined;

/** One change from a version of a scope to the next. Values are JSON text, as rows hold them: never JavaScript numbers. */
export type UpgradeStep =
  | { renameTable: string; to: string }
  /** The table is no longer kept anywhere; without this step, it is left out with a warning. */
  | { dropTable: string }
  | { table: string; renameColumn: string; to: string }
  | { table: string; dropColumn: string }
  /** Gives the column a value, or another one: JSON text, or what is made of the row. `undefined` leaves it as it is. */
  | { table: string; setColumn: string; value: string | ((row: OldRow) => string | undefined) }
  /** Replaces single values, by their JSON text. */
  | { table: string; mapColumn: string; values: Record<string, string> };

export interface Upgrade {
  /** The version of the scope that the steps lead to. */
  to: number;
  steps: readonly UpgradeStep[];
}

const name = v.pipe(v.string(), v.nonEmpty());
const json = v.pipe(v.string(), v.check(isJson, "a value is JSON text, such as '\"open\"' or 'null'"));
const compute = v.custom<(row: OldRow) => string | undefined>((value) => typeof value === "function");

export const upgradeSchema = v.strictObject({
  to: v.pipe(v.number(), v.integer(), v.minValue(2)),
  steps: v.array(
    v.union([
      v.strictObject({ renameTable: name, to: name }),
      v.strictObject({ dropTable: name }),
      v.strictObject({ table: name, renameColumn: name, to: name }),
      v.strictObject({ table: name, dropColumn: name }),
      v.strictObject({ table: name, setColumn: name, value: v.union([json, compute]) }),
      v.strictObject({ table: name, mapColumn: name, values: v.record(json, json) }),
    ]),
  ),
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
