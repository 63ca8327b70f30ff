import type { Sql } from "postgres";

/**
 * How `row_to_json` writes a type's values, and so how exactly they can be read back:
 * `plain`: a scalar whose text the type's own input function reads;
 * `json`, `jsonb`: a document, which is embedded as it is;
 * `array`: a JSON array of plain elements, which has no place for lower bounds;
 * `record`: a JSON object of plain attributes and other records;
 * `opaque`: JSON that does not say everything, or that nothing reads back (hstore, a composite with a document in it).
 */
export type ValueShape = "plain" | "json" | "jsonb" | "array" | "record" | "opaque";

interface TypeFacts {
  /** `d` domain, `c` composite, … */
  kind: string;
  base: number;
  /** 0 where the type is no array. */
  element: number;
  /** Category `A` with an input function of its own: `int2vector`, `oidvector`. */
  vector: boolean;
  members: number[];
  document: "json" | "jsonb" | null;
  /** An extension casts it to json, and `row_to_json` takes that cast. */
  castsToJson: boolean;
  /** Without a binary form, PostgreSQL 15 cannot read it as a domain inside of JSON. */
  binary: boolean;
}

/** Shapes of the types of every column, by the type's number. */
export async function readValueShapes(sql: Sql): Promise<Map<number, ValueShape>> {
  const facts = new Map<number, TypeFacts>();
  for (const row of await sql.unsafe(typesQuery)) facts.set(row["oid"], row as unknown as TypeFacts);
  return new Map([...facts.keys()].map((oid) => [oid, shapeOf(oid, facts)]));
}

function shapeOf(oid: number, facts: ReadonlyMap<number, TypeFacts>): ValueShape {
  const type = facts.get(oid)!;
  if (type.kind === "d") return shapeOf(type.base, facts);
  if (type.document !== null) return type.document;
  if (type.castsToJson || type.vector || !type.binary) return "opaque";
  if (type.element !== 0) return shapeOf(type.element, facts) === "plain" ? "array" : "opaque";
  if (type.kind !== "c") return "plain";
  const exact = type.members.every((member) => ["plain", "record"].includes(shapeOf(member, facts)));
  return exact ? "record" : "opaque";
}

const typesQuery = `
  with recursive used (oid) as (
    select a.atttypid from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relkind in ('r', 'p') and c.oid >= 16384 and a.attnum > 0 and not a.attisdropped
    union
    select part.oid from used u join pg_type t on t.oid = u.oid, lateral (
      select t.typbasetype where t.typtype = 'd'
      union all select t.typelem where t.typcategory = 'A'
      union all select a.atttypid from pg_attribute a
        where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) part (oid)
  )
  select t.oid::int8::int4 as oid, t.typtype as kind, t.typbasetype::int8::int4 as base,
         case when t.typcategory = 'A' then t.typelem::int8::int4 else 0 end as element,
         t.typcategory = 'A' and t.typinput <> 'pg_catalog.array_in'::regproc as vector,
         to_json(array(select a.atttypid::int8::int4 from pg_attribute a
           where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)) as members,
         case t.oid when 'pg_catalog.json'::regtype then 'json' when 'pg_catalog.jsonb'::regtype then 'jsonb' end as document,
         t.typreceive <> 0 as binary,
         t.oid >= 16384 and exists (select from pg_cast k
           where k.castsource = t.oid and k.casttarget = 'pg_catalog.json'::regtype and k.castmethod = 'f') as "castsToJson"
  from used join pg_type t on t.oid = used.oid`;
