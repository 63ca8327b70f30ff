import fc from "fast-check";
import { quoteIdent } from "../../../server/database/session.ts";
import { quoted, scalars, type TypeSpec, text } from "./values.ts";

/** A type of a random schema, and the statements that make it; they run before any table is made. */
export interface MadeType extends TypeSpec {
  create: string[];
}

/** What a server has: its version, and its extensions. */
export interface Server {
  major: number;
  extensions: ReadonlySet<string>;
}

const plainType = (type: TypeSpec): MadeType => ({ ...type, create: [] });

/** Any type: built in or made, nested up to `depth`. `nextName` gives a new quoted and qualified name for a type. */
export function anyType(server: Server, nextName: () => string, depth = 2): fc.Arbitrary<MadeType> {
  const available = scalars.filter(
    ({ extension, since }) => (extension === undefined || server.extensions.has(extension)) && (since ?? 0) <= server.major,
  );
  const scalar = fc.constantFrom(...available).map(plainType);
  if (depth === 0) return scalar;
  const inner = fc.constant(null).chain(() => anyType(server, nextName, depth - 1));
  return fc.oneof(
    { weight: 5, arbitrary: scalar },
    { weight: 3, arbitrary: inner.map(arrayOf) },
    { weight: 1, arbitrary: labels.map((names) => enumOf(nextName(), names)) },
    { weight: 1, arbitrary: inner.map((type) => domainOf(nextName(), type)) },
    { weight: 2, arbitrary: fc.array(inner, { minLength: 1, maxLength: 4 }).map((members) => compositeOf(nextName(), members)) },
    { weight: 1, arbitrary: fc.constant(null).map(() => textRange(nextName())) },
  );
}

const labels = fc.uniqueArray(
  text.map((label) => [...label].slice(0, 15).join("")).filter((label) => label !== ""),
  { minLength: 1, maxLength: 4 },
);

function enumOf(name: string, names: string[]): MadeType {
  const list = names.map((label) => `E'${label.replaceAll(/['\\]/g, "\\$&")}'`).join(", ");
  return { sql: name, value: fc.constantFrom(...names), create: [`create type ${name} as enum (${list})`] };
}

function domainOf(name: string, type: MadeType): MadeType {
  return { ...type, sql: name, create: [...type.create, `create domain ${name} as ${type.sql}`] };
}

function textRange(name: string): MadeType {
  const value = fc.tuple(text, text).map(([a, b]) => {
    // PostgreSQL compares the bytes of UTF-8 in this collation.
    const [low, high] = [a, b].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    return `[${quoted(low!)},${quoted(high!)}]`;
  });
  return { sql: name, value, create: [`create type ${name} as range (subtype = text, collation = "C")`] };
}

const memberNames = ["a", "B c", "é", "$json", 'q"t'];

function compositeOf(name: string, members: MadeType[]): MadeType {
  const attributes = members.map((member, i) => `${quoteIdent(memberNames[i]!)} ${member.sql}`);
  const value = fc.tuple(...members.map((member) => fc.option(member.value, { freq: 4 }))).map((all) => {
    const fields = all.map((field) => (field === null ? "" : quoted(field)));
    return `(${fields.join(",")})`;
  });
  const create = [...members.flatMap((member) => member.create), `create type ${name} as (${attributes.join(", ")})`];
  return { sql: name, value, create };
}

function arrayOf(element: MadeType): MadeType {
  // An array of arrays is one array of more dimensions; PostgreSQL has no other.
  if (element.sql.endsWith("[]")) return element;
  const delimiter = element.delimiter ?? ",";
  const literal = (items: (string | null)[]) =>
    `{${items.map((item) => (item === null ? "NULL" : quoted(item))).join(delimiter)}}`;
  const item = fc.option(element.value, { freq: 4 });
  const value = fc.oneof(
    fc.constant("{}"),
    fc.array(item, { minLength: 1, maxLength: 4 }).map(literal),
    fc
      .tuple(fc.integer({ min: -3, max: 3 }), fc.array(item, { minLength: 1, maxLength: 3 }))
      .map(([low, items]) => `[${low}:${low + items.length - 1}]=${literal(items)}`),
    fc
      .tuple(fc.constantFrom("", "[1:2][1:2]=", "[0:1][1:2]=", "[1:2][5:6]="), fc.array(item, { minLength: 4, maxLength: 4 }))
      .map(([bounds, items]) => `${bounds}{${literal(items.slice(0, 2))}${delimiter}${literal(items.slice(2))}}`),
  );
  return { sql: `${element.sql}[]`, value, create: element.create };
}
