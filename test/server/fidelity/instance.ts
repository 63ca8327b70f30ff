import type postgres from "postgres";
import { bytesSource } from "../../../engine/byte-source.ts";
import { concat } from "../../../engine/bytes.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { type Catalog, readCatalog } from "../../../server/database/catalog.ts";
import { openCopyIn } from "../../../server/database/copy-in.ts";
import { quoteIdent, quoteTable } from "../../../server/database/session.ts";
import { exportBundle } from "../../../server/export/export-bundle.ts";
import { type ImportRequest, importBundle, previewImport } from "../../../server/import/import-bundle.ts";
import { defineScope, type Scope } from "../../../server/scope/define-scope.ts";
import { folderStore } from "../../support/instances.ts";
import type { RandomSchema, RandomTable } from "./schema.ts";
import type { Server } from "./types.ts";

const extensions = ["citext", "hstore", "ltree", "cube", "isn"];
const store = folderStore("unused", "unused");

/** Installs what extensions there are, once for a database; they outlive its random schemas. */
export async function prepareServer(sql: postgres.Sql): Promise<Server> {
  await sql.unsafe("create schema ext");
  const found = new Set<string>();
  for (const name of extensions) {
    const [available] = await sql`select from pg_available_extensions where name = ${name}`;
    if (available === undefined) continue;
    await sql.unsafe(`create extension ${name} schema ext`);
    found.add(name);
  }
  const readsXml = await sql.unsafe("select '<a/>'::xml").then(
    () => true,
    () => false,
  );
  if (readsXml) found.add("xml");
  const [row] = await sql`select current_setting('server_version_num')::int / 10000 as major`;
  return { major: row!["major"], extensions: found };
}

/** Makes the schema's tables in place of those of the schema before; `filled` with its rows. */
export async function makeRandom(sql: postgres.Sql, schema: RandomSchema, filled: boolean): Promise<void> {
  const schemas = await sql`select quote_ident(nspname) as name from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'ext', 'holdall_journal')`;
  await sql.begin(async (tx) => {
    await tx.unsafe(`set local session_replication_role = replica;
      ${schemas.map(({ name }) => `drop schema ${name} cascade;`).join("\n")} create schema public; ${schema.statements.join(";\n")}`);
    if (filled) for (const table of schema.tables) await fill(tx, table);
    await tx.unsafe(schema.foreignKeys.join(";\n"));
  });
}

async function fill(sql: postgres.TransactionSql, { sql: table, columns, rows }: RandomTable): Promise<void> {
  const sink = await openCopyIn(sql, `copy ${table} (${columns.map(quoteIdent).join(", ")}) from stdin`);
  const lines = rows.map((row) => `${row.map(copyText).join("\t")}\n`);
  sink.end(lines.join(""));
  await new Promise((resolve, reject) => sink.once("finish", resolve).once("error", reject));
}

const escapes: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function copyText(value: string | null): string {
  return value === null ? "\\N" : value.replaceAll(/[\\\n\r\t]/g, (c) => escapes[c]!);
}

/** Everything that is not generated is in. */
export function wholeScope({ tables }: Catalog): Scope {
  const entries = [...tables.values()].map((table) => {
    const columns = table.columns.filter((column) => !column.generated).map((column) => column.name);
    return [table.key, { columns }] as const;
  });
  return defineScope({
    name: "random",
    version: 1,
    app: { name: "random", version: "1" },
    description: "",
    options: {},
    ignoredOptions: {},
    users: { table: "nobody", id: "id", email: "email", admin: "true" },
    tables: Object.fromEntries(entries),
    excludedTables: {},
  });
}

export async function exportRandom(sql: postgres.Sql, scope: Scope, container: "zip" | "ndjson"): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exportBundle({ sql, store, scope, container, createdAt: new Date(0) })) chunks.push(chunk);
  return concat(chunks);
}

async function request(sql: postgres.Sql, scope: Scope, bytes: Uint8Array, mode: ImportRequest["mode"]): Promise<ImportRequest> {
  const bundle = await openBundle(bytesSource(bytes), { codec: nodeCodec });
  return { sql, store, scope, bundle, mode, importer: { id: "1", email: "nobody@example.com" } };
}

export async function importRandom(sql: postgres.Sql, scope: Scope, bytes: Uint8Array) {
  return importBundle(await request(sql, scope, bytes, "skip_existing"));
}

export async function previewRandom(sql: postgres.Sql, scope: Scope, bytes: Uint8Array) {
  return previewImport(await request(sql, scope, bytes, "merge"));
}

/** `COPY … TO` text of every table, by its key, as PostgreSQL writes it. */
export async function copyTexts(sql: postgres.Sql): Promise<Record<string, string>> {
  const { tables } = await readCatalog(sql);
  const texts: Record<string, string> = {};
  for (const table of tables.values()) {
    const columns = table.columns.map((column) => quoteIdent(column.name)).join(", ");
    const order = table.primaryKey.map(quoteIdent).join(", ");
    const chunks: Buffer[] = [];
    const readable = await sql
      .unsafe(`copy (select ${columns} from ${quoteTable(table)} order by ${order}) to stdout`)
      .readable();
    for await (const chunk of readable) chunks.push(chunk as Buffer);
    texts[table.key] = Buffer.concat(chunks).toString();
  }
  return texts;
}

/** Columns whose sequence would next give a number that a row has already. */
export async function staleSequences(sql: postgres.Sql): Promise<string[]> {
  const stale: string[] = [];
  for (const table of (await readCatalog(sql)).tables.values()) {
    for (const { name, sequence } of table.columns) {
      if (sequence === null) continue;
      const [row] =
        await sql.unsafe(`select nextval('${sequence.replaceAll("'", "''").replaceAll("\\", "\\")}'::regclass)::text as next,
        (select max(${quoteIdent(name)})::text from ${quoteTable(table)}) as highest`);
      if (row!["highest"] !== null && BigInt(row!["next"]) <= BigInt(row!["highest"])) stale.push(`${table.key}.${name}`);
    }
  }
  return stale;
}
