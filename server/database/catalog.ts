import type { Sql } from "postgres";
import { tableKey } from "./table-key.ts";
import { readValueShapes, type ValueShape } from "./value-shape.ts";

/** What PostgreSQL's catalog says of a database: the facts that a scope never declares again. */
export interface Catalog {
  /** By table key: the table's name, `schema.name` outside of `public`. */
  tables: Map<string, CatalogTable>;
}

export interface CatalogTable {
  /** As a scope names it. */
  key: string;
  schema: string;
  name: string;
  oid: number;
  /** Its rows lie in its partitions. */
  partitioned: boolean;
  columns: CatalogColumn[];
  /** Columns of the primary key, in its order; empty without one. */
  primaryKey: string[];
  uniqueIndexes: UniqueIndex[];
  foreignKeys: ForeignKey[];
}

export interface CatalogColumn {
  name: string;
  /** As `format_type` gives it: `numeric(4,1)`, `timestamp with time zone`. */
  type: string;
  /** `pg_type.typcategory` of the base type: `A` array, `C` composite, … */
  category: string;
  /** `pg_type.typname` of a base type of PostgreSQL's own, else `null`. */
  builtin: string | null;
  /** `json` or `jsonb`, seen through domains. */
  isJson: boolean;
  /** Category and kind of an array's elements, seen through domains. */
  element: { category: string; isJson: boolean; delimiter: string } | null;
  shape: ValueShape;
  notNull: boolean;
  /** The type below a domain that takes no NULL, else `null`: what an absent value can be staged as. */
  nullableType: string | null;
  /** SQL of the default, or `null`. */
  default: string | null;
  generated: boolean;
  identity: "always" | "default" | null;
  /** The sequence that feeds the column, quoted as SQL needs it. */
  sequence: string | null;
}

export interface UniqueIndex {
  name: string;
  /** SQL of each key, over the table's own columns. */
  keys: string[];
  /** SQL of a partial index's condition. */
  where: string | null;
  nullsNotDistinct: boolean;
}

export interface ForeignKey {
  name: string;
  columns: string[];
  /** Table key of the parent. */
  parent: string;
  parentColumns: string[];
  deferrable: boolean;
  /** What becomes of the row when its parent is deleted. */
  onDelete: "refuse" | "cascade" | "empty";
}

const userSchema =
  "n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'holdall_journal') and n.nspname not like 'pg\\_temp%'";

/** Reads tables and partitioned tables; partitions belong to their parents, and Holdall's own schema is no application's. */
export async function readCatalog(sql: Sql): Promise<Catalog> {
  const [shapes, tables, columns, indexes, foreignKeys] = await Promise.all([
    readValueShapes(sql),
    sql.unsafe(tablesQuery),
    sql.unsafe(columnsQuery),
    sql.unsafe(indexesQuery),
    sql.unsafe(foreignKeysQuery),
  ]);
  const byOid = new Map<number, CatalogTable>();
  for (const row of tables) {
    const key = tableKey(row["schema"], row["name"]);
    byOid.set(row["oid"], {
      key,
      schema: row["schema"],
      name: row["name"],
      oid: row["oid"],
      partitioned: row["partitioned"],
      columns: [],
      primaryKey: [],
      uniqueIndexes: [],
      foreignKeys: [],
    });
  }
  for (const row of columns) byOid.get(row["table_oid"])?.columns.push(columnOf(row, shapes));
  for (const row of indexes) addIndex(byOid.get(row["table_oid"]), row);
  for (const row of foreignKeys) {
    const parent = byOid.get(row["parent_oid"]);
    if (parent === undefined) continue;
    byOid.get(row["table_oid"])?.foreignKeys.push({
      name: row["name"],
      columns: row["columns"],
      parent: parent.key,
      parentColumns: row["parent_columns"],
      deferrable: row["deferrable"],
      onDelete: row["on_delete"] === "c" ? "cascade" : /[nd]/.test(row["on_delete"]) ? "empty" : "refuse",
    });
  }
  return { tables: new Map([...byOid.values()].map((table) => [table.key, table])) };
}

function columnOf(row: Record<string, unknown>, shapes: ReadonlyMap<number, ValueShape>): CatalogColumn {
  const element = row["element_category"];
  return {
    name: row["name"] as string,
    type: row["type"] as string,
    category: row["category"] as string,
    builtin: row["builtin"] as string | null,
    isJson: row["is_json"] as boolean,
    element:
      element === null
        ? null
        : { category: element as string, isJson: row["element_is_json"] as boolean, delimiter: row["delimiter"] as string },
    shape: shapes.get(row["type_oid"] as number)!,
    notNull: row["not_null"] as boolean,
    nullableType: row["nullable_type"] as string | null,
    default: row["default_sql"] as string | null,
    generated: row["generated"] as boolean,
    identity: row["identity"] === "a" ? "always" : row["identity"] === "d" ? "default" : null,
    sequence: row["sequence"] as string | null,
  };
}

function addIndex(table: CatalogTable | undefined, row: Record<string, unknown>): void {
  if (table === undefined) return;
  if (row["is_primary"]) {
    table.primaryKey = row["columns"] as string[];
    return;
  }
  table.uniqueIndexes.push({
    name: row["name"] as string,
    keys: row["keys"] as string[],
    where: row["condition"] as string | null,
    nullsNotDistinct: row["nulls_not_distinct"] as boolean,
  });
}

const tablesQuery = `
  select c.oid::int8::int4 as oid, n.nspname as schema, c.relname as name, c.relkind = 'p' as partitioned
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't' and ${userSchema}
  order by n.nspname, c.relname`;

const columnsQuery = `
  select a.attrelid::int8::int4 as table_oid, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
         a.atttypid::int8::int4 as type_oid, base.typcategory as category,
         case when base.typnamespace = 'pg_catalog'::regnamespace then base.typname end as builtin,
         base.typname in ('json', 'jsonb') as is_json,
         case when base.typcategory = 'A' then el.typcategory end as element_category,
         el.typname in ('json', 'jsonb') as element_is_json, el.typdelim as delimiter,
         a.attnotnull or t.typnotnull as not_null,
         case when base.required then format_type(base.oid, base.typmod) end as nullable_type,
         case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end as default_sql,
         a.attgenerated <> '' as generated, a.attidentity as identity,
         coalesce(pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname), drawn.sequence) as sequence
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid
  join lateral (
    with recursive up as (
      select t.oid, t.typtype, t.typbasetype, t.typcategory, t.typname, t.typnamespace, t.typelem, t.typtypmod,
             t.typnotnull as required, a.atttypmod as typmod
      union all
      select b.oid, b.typtype, b.typbasetype, b.typcategory, b.typname, b.typnamespace, b.typelem, b.typtypmod,
             up.required or b.typnotnull, up.typtypmod
      from up join pg_type b on b.oid = up.typbasetype where up.typtype = 'd'
    ) select * from up where typtype <> 'd'
  ) base on true
  left join lateral (
    with recursive up as (
      select e.oid, e.typtype, e.typbasetype, e.typcategory, e.typname, e.typdelim from pg_type e where e.oid = base.typelem
      union all
      select b.oid, b.typtype, b.typbasetype, b.typcategory, b.typname, b.typdelim
      from up join pg_type b on b.oid = up.typbasetype where up.typtype = 'd'
    ) select * from up where typtype <> 'd'
  ) el on true
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join lateral (
    select format('%I.%I', qn.nspname, q.relname) as sequence
    from pg_depend p join pg_class q on q.oid = p.refobjid and q.relkind = 'S' join pg_namespace qn on qn.oid = q.relnamespace
    where p.classid = 'pg_attrdef'::regclass and p.objid = d.oid and p.refclassid = 'pg_class'::regclass
      and base.oid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) limit 1
  ) drawn on true
  where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition
    and c.relpersistence <> 't' and ${userSchema}
  order by a.attrelid, a.attnum`;

// nulls_not_distinct came with PostgreSQL 15; to_jsonb keeps the query valid before it.
const indexesQuery = `
  select i.indrelid::int8::int4 as table_oid, ic.relname as name, i.indisprimary as is_primary,
         to_json(array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k(attnum, place)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum order by k.place)) as columns,
         to_json(array(select pg_get_indexdef(i.indexrelid, k, true) from generate_series(1, i.indnkeyatts) k)) as keys,
         pg_get_expr(i.indpred, i.indrelid) as condition,
         coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) as nulls_not_distinct
  from pg_index i
  join pg_class ic on ic.oid = i.indexrelid
  join pg_class c on c.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  where i.indisunique and i.indisvalid and c.relkind in ('r', 'p') and not c.relispartition and ${userSchema}
  order by ic.relname`;

const foreignKeysQuery = `
  select k.conrelid::int8::int4 as table_oid, k.conname as name, k.confrelid::int8::int4 as parent_oid, k.condeferrable as deferrable, k.confdeltype as on_delete,
         to_json(array(select a.attname::text from unnest(k.conkey) with ordinality u(attnum, place)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum order by u.place)) as columns,
         to_json(array(select a.attname::text from unnest(k.confkey) with ordinality u(attnum, place)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum order by u.place)) as parent_columns
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and not c.relispartition and ${userSchema}
  order by k.conrelid, k.conname`;
