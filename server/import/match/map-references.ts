import type { Sql } from "postgres";
import { quoteIdent } from "../../database/session.ts";
import type { ResolvedForeignKey } from "../../scope/resolve-scope.ts";
import type { PlanInput } from "../plan-input.ts";
import { type StageTable, unqualified } from "../stage-table.ts";

/**
 * Gives the references of a table the keys that their parents got in the target. Called when the parents are through; what
 * points to the table itself or forward in a cycle follows with `replaceOpenReferences`.
 */
export async function replaceReferences(sql: Sql, input: PlanInput, inputs: readonly PlanInput[]): Promise<void> {
  const { table } = input;
  const moves: Move[] = [];
  for (const reference of table.references) {
    if (reference.deferred || reference.parent === table.key) continue;
    const parent = inputs.find((candidate) => candidate.table.key === reference.parent);
    const moved = parent === undefined ? undefined : await movedKeys(sql, parent.table, reference);
    if (moved !== undefined) moves.push({ reference, moved, alias: `moved_${moves.length}` });
  }
  if (moves.length === 0) return;
  const columns = table.carried.map(({ name }) => `${newValue(table, name, moves)} as ${quoteIdent(name)}`);
  const joins = moves.map(({ reference, moved, alias }) => `left join ${moved} ${alias} on ${matches(reference, alias)}`);
  await sql.unsafe(
    `create temporary table ${unqualified(table.mapped)} as select s._row, s._absent, ${columns.join(", ")} from ${table.original} s ${joins.join(" ")}`,
  );
  table.stage = table.mapped;
  await sql.unsafe(`analyze ${table.stage}`);
}

/** References within a table, and those that point forward in a cycle: every key is settled now. */
export async function replaceOpenReferences(sql: Sql, inputs: readonly PlanInput[]): Promise<void> {
  for (const { table } of inputs) {
    for (const reference of table.references) {
      if (!reference.deferred && reference.parent !== table.key) continue;
      const parent = inputs.find((candidate) => candidate.table.key === reference.parent);
      const moved = parent === undefined ? undefined : await movedKeys(sql, parent.table, reference);
      if (moved === undefined) continue;
      if (table.stage === table.original) {
        await sql.unsafe(`create temporary table ${unqualified(table.mapped)} as select * from ${table.original}`);
        table.stage = table.mapped;
      }
      const set = reference.columns.map((column, k) => `${quoteIdent(column)} = m.${target(k)}`).join(", ");
      await sql.unsafe(`update ${table.stage} s set ${set} from ${moved} m where ${matches(reference, "m")}`);
    }
  }
}

interface Move {
  reference: ResolvedForeignKey;
  /** Table of old and new values of the parent's columns. */
  moved: string;
  alias: string;
}

const source = (k: number) => `source_${k}`;
const target = (k: number) => `target_${k}`;

function matches({ columns }: ResolvedForeignKey, alias: string): string {
  return columns.map((column, k) => `${alias}.${source(k)} = s.${quoteIdent(column)}`).join(" and ");
}

/** The parent's rows whose referenced values are others now; `undefined` where there are none. */
async function movedKeys(sql: Sql, parent: StageTable, { parentColumns }: ResolvedForeignKey): Promise<string | undefined> {
  if (parent.stage === parent.original) return undefined;
  const name = `pg_temp.moved_${parent.number}_${parentColumns.map((column) => parent.carried.findIndex((c) => c.name === column)).join("_")}`;
  const [there] = await sql.unsafe("select to_regclass($1) is not null as made", [name]);
  if (there!["made"] !== true) {
    const columns = parentColumns.map(quoteIdent);
    const pairs = columns.map((column, k) => `o.${column} as ${source(k)}, s.${column} as ${target(k)}`).join(", ");
    const differs = columns.map((column) => `o.${column} is distinct from s.${column}`).join(" or ");
    await sql.unsafe(`create temporary table ${unqualified(name)} as
      select distinct ${pairs} from ${parent.original} o join ${parent.stage} s using (_row) where ${differs}`);
    await sql.unsafe(`analyze ${name}`);
  }
  return (await sql.unsafe(`select 1 from ${name} limit 1`)).length > 0 ? name : undefined;
}

function newValue(table: StageTable, name: string, moves: readonly Move[]): string {
  const own = `s.${quoteIdent(name)}`;
  if (name === table.scope.blob?.key) return movedObjectKey(table, own, moves);
  const targets = moves.flatMap(({ reference, alias }) => {
    const k = reference.columns.indexOf(name);
    return k === -1 ? [] : [`${alias}.${target(k)}`];
  });
  return targets.length === 0 ? own : `coalesce(${[...targets, own].join(", ")})`;
}

/** Object keys embed the ids of what they belong to; a UUID is long enough to be found there without a mistake. */
function movedObjectKey(table: StageTable, key: string, moves: readonly Move[]): string {
  let moved = key;
  for (const { reference, alias } of moves) {
    const [column, ...more] = reference.columns;
    if (more.length > 0 || table.catalog.columns.find(({ name }) => name === column)!.type !== "uuid") continue;
    // Replacing an empty text changes nothing.
    moved = `replace(${moved}, coalesce(${alias}.${source(0)}::text, ''), coalesce(${alias}.${target(0)}::text, ''))`;
  }
  return moved;
}
