import fc from "fast-check";

/** A type and its values, as PostgreSQL's input functions read them; `null` is SQL's NULL. */
export interface TypeSpec {
  /** SQL of the type. */
  sql: string;
  value: fc.Arbitrary<string>;
  /** What separates the elements of an array of it. */
  delimiter?: string;
  /** Needs this extension, or this version of PostgreSQL. */
  extension?: string;
  since?: number;
}

const hostileTexts = [
  "",
  " ",
  "\\",
  "\\N",
  "\\.",
  "NULL",
  "null",
  '"',
  "'",
  "{}",
  "{a,b}",
  "(a,b)",
  "[0:1]={1,2}",
  "a\tb\nc\rd\be\ff\vg",
  "\x7f\x01\x1f",
  "\u2028\u{1f600}é",
  "\\u0041",
  '{"$json":"x"}',
];

/** PostgreSQL stores no U+0000 and no half of a surrogate pair. */
export const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary", maxLength: 12 }).map((value) => value.replaceAll("\0", "").toWellFormed()),
);

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const integer = (bits: number) => {
  const most = 2n ** BigInt(bits - 1);
  return fc.oneof(fc.constantFrom(-most, most - 1n, 0n), fc.bigInt(-most, most - 1n)).map(String);
};
const numeric = fc.oneof(
  fc.constantFrom("NaN", "Infinity", "-Infinity", "0", "0.00", "-0.000", "1e-300", `1${"0".repeat(400)}`),
  fc.tuple(fc.constantFrom("", "-"), digits(40), digits(40)).map(([sign, whole, part]) => `${sign}${whole}.${part}`),
);
const finite = fc.tuple(digits(12), digits(6)).map(([whole, part]) => `${whole}.${part}`);
const real = fc.oneof(
  fc.constantFrom("NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38"),
  fc.float({ noNaN: true }).map(String),
);
const double = fc.oneof(
  fc.constantFrom("NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "9007199254740993"),
  fc.double({ noNaN: true }).map(String),
);
const two = (most: number) => fc.integer({ min: 0, max: most }).map((n) => String(n).padStart(2, "0"));
const micro = fc.oneof(
  fc.constant(""),
  digits(6).map((part) => `.${part}`),
);
const time = fc.oneof(
  fc.constantFrom("24:00:00", "00:00:00", "23:59:59.999999"),
  fc.tuple(two(23), two(59), two(59), micro).map(([h, m, s, part]) => `${h}:${m}:${s}${part}`),
);
const day = fc
  .tuple(
    fc.integer({ min: 1, max: 4712 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
    fc.constantFrom("", "", " BC"),
  )
  .map(
    ([y, m, d, era]) =>
      [`${String(y).padStart(4, "0")}-${String(m).padStart(2, "0")}-${String(d).padStart(2, "0")}`, era] as const,
  );
const date = fc.oneof(
  fc.constantFrom("infinity", "-infinity", "4713-11-24 BC", "5874897-12-31", "0001-01-01 BC", "0001-01-01", "10000-01-01"),
  day.map((parts) => parts.join("")),
);
const timestamp = fc.oneof(
  fc.constantFrom(
    "infinity",
    "-infinity",
    "4713-11-24 00:00:00 BC",
    "294276-12-31 23:59:59.999999",
    "0001-12-31 23:59:59.000001 BC",
  ),
  fc.tuple(day, time).map(([[date, era], time]) => `${date} ${time}${era}`),
);
const interval = fc.oneof(
  fc.constantFrom("00:00:00", "-178000000 years", "1 mon -1 day +00:00:00.000001", "2 years -3 mons +4 days -05:06:07.89"),
  fc
    .tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -40, max: 40 }), time)
    .map(([months, days, time]) => `${months} mons ${days} days ${time}`),
);
const byte = fc.integer({ min: 0, max: 255 });
const hex = (bytes: number) =>
  fc.array(byte, { minLength: bytes, maxLength: bytes }).map((all) => Buffer.from(all).toString("hex"));
const v4 = fc.array(byte, { minLength: 4, maxLength: 4 }).map((parts) => parts.join("."));
const inet = fc.oneof(
  fc.constantFrom("::", "::1/64", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4", "0.0.0.0/0"),
  fc.tuple(v4, fc.constantFrom("", "/8", "/31")).map((parts) => parts.join("")),
);
const bits = (length: { minLength: number; maxLength: number }) =>
  fc.array(fc.constantFrom("0", "1"), length).map((all) => all.join(""));
const point = fc.tuple(finite, finite).map(([x, y]) => `(${x},-${y})`);
const points = fc.array(point, { minLength: 1, maxLength: 4 }).map((all) => `(${all.join(",")})`);

const documents = [
  "null",
  "true",
  "0",
  "-0.0",
  "1e400",
  "10.00",
  `0.${"1234567890".repeat(30)}`,
  "9007199254740993",
  '""',
  '"null"',
  '"a\\nb\\u2028\\\\"',
  "[]",
  "{}",
  "[null,[null],{}]",
  '{"$json":"x"}',
  '{"$json":null}',
  '{"$json":"a","b":1}',
  '[{"$json":"x"}]',
  '{"a":{"b":[1,2,{"c":null}]},"é":"\\ud83d\\ude00"}',
];
const jsonb = fc.oneof(fc.constantFrom(...documents), fc.json({ stringUnit: "grapheme", maxDepth: 2 }).map(storable));
/** As written: white space, repeated keys and escapes that jsonb would not keep. */
const json = fc.oneof(
  fc.constantFrom(
    " null ",
    "\n{ }\t",
    '{"a":1,\r\n "a" : 2}',
    '"\\u0000"',
    '"\\ud800"',
    '{"\\u0024json":"x"}',
    '{ "$json" : "x" }',
    "[1 , 2]",
    "1.0E+5",
  ),
  jsonb,
);

/** jsonb refuses U+0000 and half of a surrogate pair, also as an escape. */
function storable(document: string): string {
  return document.replaceAll(/\\u0000|\\u[dD][89a-fA-F]../g, "");
}

const lexeme = fc.stringMatching(/^[a-z'\\]{1,6}$/).map((word) => `'${word.replaceAll(/['\\]/g, "$&$&")}'`);

const range = (low: string[], high: string[]) =>
  fc.oneof(
    fc.constantFrom("empty", "(,)"),
    fc
      .tuple(fc.constantFrom("[", "("), fc.constantFrom("", ...low), fc.constantFrom("", ...high), fc.constantFrom("]", ")"))
      .map((parts) => `${parts[0]}${parts[1]},${parts[2]}${parts[3]}`),
  );
const ranges: [string, string, string[], string[]][] = [
  ["int4range", "int4multirange", ["-5", "0"], ["7", "2147483646"]],
  ["int8range", "int8multirange", ["-9223372036854775808"], ["9007199254740993"]],
  ["numrange", "nummultirange", ["-Infinity", "1.10"], ["1.100000000000000000001", "NaN"]],
  ["daterange", "datemultirange", ['"0044-03-15 BC"', "-infinity"], ["2024-02-29", "infinity"]],
  ["tsrange", "tsmultirange", ['"0044-03-15 12:00:00 BC"'], ['"2024-02-29 23:59:59.999999"', "infinity"]],
  ["tstzrange", "tstzmultirange", ['"2001-01-01 00:00:00+05:30"'], ['"2024-02-29 23:59:59.999999+00"']],
];

/** Types in pg_catalog, and those of extensions where they are installed. */
export const scalars: readonly TypeSpec[] = [
  { sql: "smallint", value: integer(16) },
  { sql: "integer", value: integer(32) },
  { sql: "bigint", value: integer(64) },
  { sql: "numeric", value: numeric },
  { sql: "numeric(30,10)", value: fc.oneof(fc.constant("NaN"), finite) },
  { sql: "real", value: real },
  { sql: "double precision", value: double },
  { sql: "money", value: fc.constantFrom("$0.00", "-$92,233,720,368,547,758.08", "$1,234.56") },
  { sql: "boolean", value: fc.constantFrom("t", "f") },
  { sql: "text", value: text },
  { sql: "character varying(12)", value: text.map((value) => [...value].slice(0, 12).join("")) },
  { sql: "character(7)", value: text.map((value) => [...value].slice(0, 7).join("")) },
  { sql: '"char"', value: fc.constantFrom("a", "\\", '"', " ", "") },
  { sql: "name", value: fc.stringMatching(/^[A-Za-z "\\']{0,20}$/) },
  {
    sql: "bytea",
    value: fc.oneof(
      fc.constant("\\x"),
      hex(9).map((value) => `\\x${value}`),
    ),
  },
  { sql: "date", value: date },
  { sql: "time", value: time },
  {
    sql: "time(3) with time zone",
    value: fc.tuple(time, fc.constantFrom("+00", "-12:30", "+15:59:59")).map((parts) => parts.join("")),
  },
  { sql: "timestamp", value: timestamp },
  // Rounded up, the last microsecond is a value that PostgreSQL stores and cannot read.
  { sql: "timestamp(2)", value: timestamp.filter((value) => !value.startsWith("294276")) },
  { sql: "timestamp with time zone", value: timestamp },
  { sql: "interval", value: interval },
  { sql: "interval", value: fc.constantFrom("infinity", "-infinity"), since: 17 },
  { sql: "uuid", value: hex(16) },
  { sql: "inet", value: inet },
  { sql: "cidr", value: fc.constantFrom("10.0.0.0/8", "2001:db8::/32", "1.2.3.4/32", "::/0") },
  { sql: "macaddr", value: hex(6) },
  { sql: "macaddr8", value: hex(8) },
  { sql: "bit(5)", value: bits({ minLength: 5, maxLength: 5 }) },
  { sql: "bit varying", value: bits({ minLength: 0, maxLength: 70 }) },
  { sql: "point", value: point },
  { sql: "line", value: fc.constantFrom("{1,-1,0}", "{0.1,1e300,-5e-324}") },
  { sql: "lseg", value: fc.tuple(point, point).map(([a, b]) => `[${a},${b}]`) },
  { sql: "box", value: fc.tuple(point, point).map(([a, b]) => `${a},${b}`), delimiter: ";" },
  { sql: "path", value: points.map((all) => `[${all.slice(1, -1)}]`) },
  { sql: "polygon", value: points },
  { sql: "circle", value: fc.tuple(point, finite).map(([center, radius]) => `<${center},${radius}>`) },
  {
    sql: "tsvector",
    value: fc
      .array(fc.tuple(lexeme, fc.constantFrom("", ":1A,3", ":16383")), { maxLength: 4 })
      .map((all) => all.map((parts) => parts.join("")).join(" ")),
  },
  { sql: "tsquery", value: fc.tuple(lexeme, lexeme).map(([a, b]) => `!${a}:*AB <2> (${b} | 'x')`) },
  { sql: "jsonpath", value: fc.constantFrom("$", 'strict $."a b"[*] ? (@ > 1.50)') },
  { sql: "json", value: json },
  { sql: "jsonb", value: jsonb },
  { sql: "xml", value: fc.constantFrom("<a/>", "x<b c='\"'>é &amp;\n</b>", "", '<?xml version="1.0"?><a/>'), extension: "xml" },
  { sql: "pg_lsn", value: fc.constantFrom("0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848") },
  { sql: "pg_snapshot", value: fc.constantFrom("10:20:10,14,15", "1:1:") },
  { sql: "xid8", value: fc.constantFrom("0", "18446744073709551615") },
  { sql: "xid", value: fc.constantFrom("0", "4294967295") },
  { sql: "tid", value: fc.constant("(4294967295,65535)") },
  { sql: "oid", value: fc.constantFrom("0", "4294967295") },
  { sql: "regtype", value: fc.constantFrom("integer", "text[]", "-") },
  { sql: "int2vector", value: fc.constantFrom("", "1 -2 3") },
  { sql: "oidvector", value: fc.constantFrom("", "1 4294967295") },
  ...ranges.flatMap(([one, many, low, high]): TypeSpec[] => [
    { sql: one, value: range(low, high) },
    { sql: many, value: fc.array(range(low, high), { maxLength: 3 }).map((all) => `{${all.join(",")}}`) },
  ]),
  { sql: "ext.citext", value: text, extension: "citext" },
  {
    sql: "ext.hstore",
    value: fc
      .array(fc.tuple(text, fc.option(text)), { maxLength: 3 })
      .map((all) => all.map(([key, value]) => `${quoted(key)}=>${value === null ? "NULL" : quoted(value)}`).join(",")),
    extension: "hstore",
  },
  { sql: "ext.ltree", value: fc.constantFrom("", "Top.Science.Astronomy", "a_1.b"), extension: "ltree" },
  { sql: "ext.cube", value: fc.constantFrom("(1.5)", "(0, 0),(1e300, -2)"), extension: "cube" },
  { sql: "ext.isbn13", value: fc.constant("978-0-11-000533-1"), extension: "isn" },
];

/** Between double quotes, as array literals, composite literals and hstore take it. */
export function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
