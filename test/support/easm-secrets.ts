import type postgres from "postgres";
import { type CatalogColumn, type CatalogTable, readCatalog } from "../../server/database/catalog.ts";
import { secretKeys } from "../../server/scopes/easm/portable-json.ts";
import { easm } from "../../server/scopes/easm/scope.ts";

/** One place that holds a secret: SQL that plants it, and what a leak of it would show. */
interface Planting {
  sql: string;
  markers: string[];
}

type Plant = (number: number, place: string) => { value: string; markers: string[]; oneRow: boolean };

// Different in every row, where a unique index asks for that.
const perRow = "translate(ctid::text, '(,)', '-.')";
const word = (number: number, place: string) => `PLANTED-${number}-${place}-`;
const marker = (value: string, text: string) => ({ value, markers: [text], oneRow: true });

/** By type, a value that appears nowhere else, and the text it would leave in a bundle. */
const plants: Record<string, Plant> = {
  text: (n, place) => ({ value: `'${word(n, place)}' || ${perRow}`, markers: [word(n, place)], oneRow: false }),
  "text[]": (n, place) => ({ value: `ARRAY['${word(n, place)}' || ${perRow}]`, markers: [word(n, place)], oneRow: false }),
  jsonb: (n, place) => ({ value: `'{"secret": "${word(n, place)}"}'`, markers: [word(n, place)], oneRow: false }),
  bytea: (n, place) => {
    const hex = Buffer.from(word(n, place)).toString("hex");
    return { value: `convert_to('${word(n, place)}' || ${perRow}, 'UTF8')`, markers: [word(n, place), hex], oneRow: false };
  },
  uuid: (n) =>
    marker(`'5ec2e75e-c2e7-4000-8000-${String(n).padStart(12, "0")}'`, `5ec2e75e-c2e7-4000-8000-${String(n).padStart(12, "0")}`),
  inet: (n) => marker(`'2001:db8:5ec:2e7::${n + 1000}'`, `2001:db8:5ec:2e7::${n + 1000}`),
  integer: (n) => marker(String(1_987_650_001 + n * 10), String(1_987_650_001 + n * 10)),
  bigint: (n) => marker(String(771_987_650_000_001 + n * 10), String(771_987_650_000_001 + n * 10)),
  "timestamp with time zone": (n) =>
    marker(`'2177-03-04 05:06:07.${100_007 + n * 10}+00'`, `2177-03-04T05:06:07.${100_007 + n * 10}`),
};

/**
 * Puts a marker of its own into every excluded column, every column of every excluded table, every setting that does not
 * leave, and every place in an included column that the scope cleans on the way out. What is excluded comes from the scope and
 * the live catalog, so that a new column is planted without a change here, or fails here.
 * @returns what must not be found in a bundle.
 */
export async function plantSecrets(sql: postgres.Sql): Promise<string[]> {
  const catalog = await readCatalog(sql);
  const plantings = [...settings(), ...cleanedPlaces()];
  for (const [table, column] of excludedColumns([...catalog.tables.values()])) {
    plantings.push(plantColumn(table, column, plantings.length));
  }
  await sql.begin(async (transaction) => {
    for (const planting of plantings) {
      const { count } = await transaction.unsafe(planting.sql);
      if (count === 0) throw new Error(`nothing to plant in: ${planting.sql}`);
    }
  });
  return plantings.flatMap((planting) => planting.markers);
}

function excludedColumns(tables: CatalogTable[]): [CatalogTable, CatalogColumn][] {
  return tables
    .filter((table) => table.key !== easm.settings!.table)
    .flatMap((table) =>
      table.columns
        .filter((column) => holdsSecret(table, column))
        .map((column): [CatalogTable, CatalogColumn] => [table, column]),
    );
}

/** A key of another table's row says nothing that is secret, a boolean holds no marker, and PostgreSQL writes what it generates. */
function holdsSecret(table: CatalogTable, column: CatalogColumn): boolean {
  const excluded = table.key in easm.excludedTables || easm.tables[table.key]?.excluded?.[column.name] !== undefined;
  const refers = table.foreignKeys.some((key) => key.columns.includes(column.name));
  return excluded && !refers && !column.generated && column.type !== "boolean";
}

function plantColumn(table: CatalogTable, column: CatalogColumn, number: number): Planting {
  const plant = plants[column.type];
  if (plant === undefined) throw new Error(`no marker for ${table.key}.${column.name} of type ${column.type}`);
  const { value, markers, oneRow } = plant(number, `${table.key}-${column.name}`);
  const where = oneRow ? ` WHERE ctid = (SELECT ctid FROM ${table.key} LIMIT 1)` : "";
  return { sql: `UPDATE ${table.key} SET "${column.name}" = ${value}${where}`, markers };
}

function settings(): Planting[] {
  const { table, key, value, include } = easm.settings!;
  const allowed = include.map((name) => `'${name}'`).join(", ");
  const [stored, unflagged] = ["PLANTED-setting-", "PLANTED-setting-without-a-flag"];
  return [
    { sql: `UPDATE ${table} SET ${value} = to_jsonb('${stored}' || ${key}) WHERE ${key} NOT IN (${allowed})`, markers: [stored] },
    {
      sql: `INSERT INTO ${table} (${key}, ${value}, is_secret) VALUES ('zz.forgotten', '"${unflagged}"', false)`,
      markers: [unflagged],
    },
  ];
}

/** What to merge into a cleaned JSON column, or the text of a cleaned text column. */
const dirt: Record<string, Record<string, (text: string) => unknown>> = {
  organizations: { settings: (text) => ({ sso: { client_secret: text } }) },
  scopes: { scan_profile: anywhere },
  assets: { metadata: anywhere },
  vulnerabilities: {
    evidence: (text) => ({
      request: { headers: { authorization: text } },
      response: { headers: { "set-cookie": text } },
      curl_command: text,
      steps: [{ login: { Password: text, "session-token": "kept", token: text } }],
    }),
  },
  exposure_changes: { before: anywhere, after: anywhere },
  scans: { config: (text) => ({ provider: { api_key: text } }), error_message: urlLogin },
  scan_jobs: { error_message: urlLogin },
  reports: { parameters: (text) => ({ deliver_to: text }) },
  files: { metadata: (text) => ({ ...anywhere(text), presigned_url: text, upload_id: text }) },
};

/** Rewritten for another reason than a secret. */
const harmless = new Set(["state", "finished_at"]);

/** Secrets at the top, within objects of arrays, and under other spellings of the keys. */
function anywhere(text: string): Record<string, unknown> {
  const keys = Object.fromEntries(secretKeys.map((key) => [key, key === "headers" ? { cookie: text } : text]));
  const spelt = { "API-Key": text, accessKey: text, Authorization: [text], PASSWORD: { of: text } };
  return { ...keys, tools: [{ kept: 1, login: { ...keys, also_kept: [1, { token: text }] } }, spelt] };
}

function urlLogin(text: string): string {
  return `GET https://scanner:${text}@host.example/: reset`;
}

function cleanedPlaces(): Planting[] {
  assertDirtFor(easm.tables);
  // From the list above and not from the scope: a rewrite that somebody takes out has to show as a leak.
  return Object.entries(dirt).flatMap(([table, columns]) =>
    Object.entries(columns).map(([column, make]) => plantDirt(table, column, make)),
  );
}

function assertDirtFor(tables: typeof easm.tables): void {
  for (const [table, { rewrite = {}, withoutKeys = {} }] of Object.entries(tables)) {
    for (const column of [...Object.keys(rewrite), ...Object.keys(withoutKeys)]) {
      if (!harmless.has(column) && dirt[table]?.[column] === undefined) throw new Error(`no dirt for ${table}.${column}`);
    }
  }
}

function plantDirt(table: string, column: string, make: (text: string) => unknown): Planting {
  const text = `PLANTED-in-${table}-${column}`;
  const content = make(text);
  const value = typeof content === "string" ? `'${content}'` : `coalesce(${column}, '{}') || '${JSON.stringify(content)}'`;
  const rows = `(SELECT ctid FROM ${table} LIMIT 50)`;
  return { sql: `UPDATE ${table} SET ${column} = ${value} WHERE ctid = ANY (ARRAY${rows})`, markers: [text] };
}
