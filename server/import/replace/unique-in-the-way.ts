import type { Sql } from "postgres";
import { BackupError } from "../../../engine/errors.ts";
import type { UniqueIndex } from "../../database/catalog.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../../database/session.ts";
import { joinOn, type PlanInput } from "../plan-input.ts";

/**
 * Runs `work`, which updates and inserts the rows of a table, without those unique indexes in whose way its rows would be for a
 * moment: two users who exchanged their addresses, or one who took another's former one. PostgreSQL checks a unique index row by
 * row, and the order of rows is its own. They are made anew behind it, in the same transaction.
 * @throws BackupError `IMPORT_CONFLICT` where a foreign key needs such an index
 */
export async function withoutUniqueInTheWay(sql: Sql, input: PlanInput, work: () => Promise<void>): Promise<void> {
  const dropped: string[] = [];
  for (const index of input.table.catalog.uniqueIndexes) {
    const [inTheWay] = await sql.unsafe(inTheWaySql(input, index));
    if (inTheWay !== undefined) dropped.push(await dropIndex(sql, input, index));
  }
  await work();
  for (const statement of dropped) await sql.unsafe(statement);
}

/** A row that is updated gets what another row still has. */
function inTheWaySql({ table }: PlanInput, { keys, where, nullsNotDistinct }: UniqueIndex): string {
  const key = table.catalog.primaryKey;
  const named = keys.map((expression, i) => `(${expression}) as k${i}`).join(", ");
  const filter = where === null ? "" : ` where ${where}`;
  const operator = nullsNotDistinct ? "is not distinct from" : "=";
  const equal = keys.map((_, i) => `n.k${i} ${operator} h.k${i}`).join(" and ");
  const columns = key.map(quoteIdent).join(", ");
  return `select 1 from (select _row, ${columns}, ${named} from ${table.shadow}${filter}) n
    join ${table.plan} p on p._row = n._row and p.outcome = 'update'
    join (select ${columns}, ${named} from ${quoteTable(table.catalog)}${filter}) h on ${equal}
    where not (${joinOn(key, "n", "h")}) limit 1`;
}

/** @returns the statement that makes it anew */
async function dropIndex(sql: Sql, { table }: PlanInput, { name }: UniqueIndex): Promise<string> {
  const owner = quoteTable(table.catalog);
  const index = `${quoteIdent(table.catalog.schema)}.${quoteIdent(name)}`;
  const [found] =
    await sql.unsafe(`select pg_get_indexdef(i.oid) as definition, pg_get_constraintdef(c.oid) as constraint_definition
    from pg_class i left join pg_constraint c on c.conindid = i.oid and c.conrelid = ${table.catalog.oid}::oid and c.contype = 'u'
    where i.oid = ${quoteLiteral(index)}::regclass`);
  const constraint = found!["constraint_definition"] as string | null;
  try {
    if (constraint === null) await sql.unsafe(`drop index ${index}`);
    else await sql.unsafe(`alter table ${owner} drop constraint ${quoteIdent(name)}`);
  } catch (cause) {
    if ((cause as { code?: string }).code !== "2BP01") throw cause;
    const message = `${table.key}: rows exchange values of ${name}, which a foreign key needs; nothing was changed`;
    throw new BackupError("IMPORT_CONFLICT", message, { table: table.key, constraint: name }, { cause });
  }
  return constraint === null
    ? (found!["definition"] as string)
    : `alter table ${owner} add constraint ${quoteIdent(name)} ${constraint}`;
}
