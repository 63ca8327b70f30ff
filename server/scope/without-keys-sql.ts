import { quoteLiteral } from "../database/session.ts";
import { normalKey } from "./without-keys.ts";

/**
 * SQL: the `jsonb` value without the members of these keys at any depth, as `withoutKeys` makes it of its bytes. Most documents have
 * none of them, and looking costs a fraction of taking one apart.
 */
export function withoutKeysSql(value: string, keys: readonly string[]): string {
  const normal = [...new Set(keys.map(normalKey))];
  const likely = quoteLiteral(`"(${normal.map((key) => key.replaceAll(/[^a-z0-9]/g, "\\$&")).join("|")})":`);
  const list = quoteLiteral(`{${normal.map((key) => JSON.stringify(key)).join(",")}}`);
  return `case when ${normalSql(`${value}::text`)} ~ ${likely} then (${strippedSql(value, list)}) else ${value} end`;
}

function normalSql(text: string): string {
  return `translate(lower(${text}), '-_', '')`;
}

/** Removing a member moves no other place, so that the order does not matter. */
function strippedSql(value: string, list: string): string {
  return `with recursive walk(path, item, named) as (
      select array[]::text[], (${value})::jsonb, false
      union all
      select w.path || m.key, m.item, m.named from walk w cross join lateral (
        select o.key, o.value as item, true as named
          from jsonb_each(case when jsonb_typeof(w.item) = 'object' then w.item else '{}' end) o
        union all
        select (a.place - 1)::text, a.item, false
          from jsonb_array_elements(case when jsonb_typeof(w.item) = 'array' then w.item else '[]' end) with ordinality a(item, place)
      ) m
    ), found as (
      select path, row_number() over () as place from walk
      where named and ${normalSql("path[cardinality(path)]")} = any(${list}::text[])
    ), stripped(place, doc) as (
      select 0::int8, (${value})::jsonb
      union all
      select f.place, s.doc #- f.path from stripped s join found f on f.place = s.place + 1
    ) select doc from stripped order by place desc limit 1`;
}
