import type { Sql } from "postgres";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { readCatalog } from "../../database/catalog.ts";
import type { DemoOptions } from "../../scopes/easm/demo-instance.ts";
import { type Context, defineCommand, type Result } from "../command.ts";
import { count, elapsed, plural } from "../numbers.ts";
import { safeText } from "../safe-text.ts";
import { loadDemo } from "../scopes.ts";
import { type Target, withTarget } from "../target.ts";
import { textTable } from "../text-table.ts";
import { Refusal } from "../usage-error.ts";
import { byteCount, wholeNumber } from "../values.ts";

export const demo = defineCommand({
  name: "demo",
  purpose:
    "Makes the tables of the scope's application in an empty database and fills them, and the blob store, with an instance that looks used. The same options give the same data.",
  operands: [],
  options: {
    assets: { type: "string", value: "N", help: "assets; findings, edges and changes grow with them", default: "2000" },
    files: { type: "string", value: "N", help: "stored files", default: "60" },
    orgs: { type: "string", value: "N", help: "organizations", default: "3" },
    seed: { type: "string", value: "N", help: "another one gives another instance", default: "1" },
    "large-file": { type: "string", value: "SIZE", help: "one more file of this size, such as 300M" },
    empty: { type: "boolean", help: "tables, default settings and one admin only: a target for an import" },
    admin: { type: "string", value: "EMAIL", help: "the admin's e-mail address", default: "admin@easm.example" },
  },
  general: "installation",
  examples: [
    "holdall demo --assets 20000 --files 100",
    "holdall demo --empty --admin ops@example.com --database embedded:second",
  ],
  exitCodes: { 0: "made", 1: "the database or the blob store is not empty; nothing was changed" },
  async run({ options }, context) {
    const data = await loadDemo(context.settings.scope);
    const adminEmail = options.admin ?? data.defaultAdminEmail;
    const largeFileBytes = byteCount("--large-file", options["large-file"]);
    const wanted: DemoOptions = {
      assets: wholeNumber("--assets", options.assets, 2000),
      files: wholeNumber("--files", options.files, 60),
      orgs: wholeNumber("--orgs", options.orgs, 3, 1),
      seed: wholeNumber("--seed", options.seed, 1),
      adminEmail,
      ...(largeFileBytes === undefined ? {} : { largeFileBytes }),
    };
    return withTarget(context, async (target) => {
      await assertNoTables(target);
      const began = performance.now();
      const rows = options.empty ? await makeEmpty(data, target, adminEmail) : await fill(data, target, wanted, context);
      return made(target.connection.description, adminEmail, rows, performance.now() - began);
    });
  },
});

type DemoData = Awaited<ReturnType<typeof loadDemo>>;

async function makeEmpty(data: DemoData, { connection: { sql } }: Target, adminEmail: string): Promise<Record<string, number>> {
  await wholly(sql, async (transaction) => {
    await data.makeSchema(transaction);
    await data.fillEmpty(transaction, { adminEmail });
  });
  return {};
}

async function fill(data: DemoData, target: Target, wanted: DemoOptions, context: Context): Promise<Record<string, number>> {
  await assertNoObjects(target.store);
  const onProgress: DemoOptions["onProgress"] = ({ table, rows, total }) => {
    context.signal.throwIfAborted();
    context.output.progress.update({ phase: "filling", item: table, rows, fraction: rows / Math.max(1, total) });
  };
  return withoutLeftovers(target.store, context, (store) =>
    wholly(target.connection.sql, async (transaction) => {
      await data.makeSchema(transaction);
      return data.fillDemo(transaction, store, { ...wanted, onProgress });
    }),
  );
}

async function assertNoTables({ connection: { sql, description } }: Target): Promise<void> {
  const tables = [...(await readCatalog(sql)).tables.keys()];
  if (tables.length === 0) return;
  const named = tables.slice(0, 3).join(", ") + (tables.length > 3 ? `, and ${tables.length - 3} more` : "");
  const message = `${description} is not empty: it has the ${tables.length === 1 ? "table" : "tables"} ${named}; name another one with --database`;
  throw new Refusal("NOT_EMPTY", message, { tables });
}

async function assertNoObjects(store: BlobStore): Promise<void> {
  for await (const { key } of store.list()) {
    throw new Refusal("NOT_EMPTY", `the blob store, ${store.description}, is not empty; name another one with --blobs`, { key });
  }
}

/** All of it or nothing: what works in transactions of its own works in parts of one here. */
async function wholly<T>(sql: Sql, work: (transaction: Sql) => Promise<T>): Promise<T> {
  const result = await sql.begin(async (transaction) => {
    const call = (...args: unknown[]) => (transaction as unknown as (...args: unknown[]) => unknown)(...args);
    return { value: await work(Object.assign(call, transaction, { begin: transaction.savepoint }) as unknown as Sql) };
  });
  return (result as { value: T }).value;
}

/** Objects are in no transaction: those that were written go again when the work fails. */
async function withoutLeftovers<T>(store: BlobStore, { signal }: Context, work: (store: BlobStore) => Promise<T>): Promise<T> {
  const written: string[] = [];
  const noting: BlobStore = {
    description: store.description,
    stat: (...args) => store.stat(...args),
    open: (...args) => store.open(...args),
    remove: (...args) => store.remove(...args),
    list: (...args) => store.list(...args),
    async create(key, body, expected) {
      signal.throwIfAborted();
      const outcome = await store.create(key, body, { signal, ...expected });
      if (outcome === "created") written.push(key);
      return outcome;
    },
  };
  try {
    return await work(noting);
  } catch (error) {
    for (const key of written) await store.remove(key).catch(() => {});
    throw error;
  }
}

function made(target: string, admin: string, rows: Record<string, number>, milliseconds: number): Result {
  const tables = Object.entries(rows);
  const total = tables.reduce((sum, [, number]) => sum + number, 0);
  return {
    exitCode: 0,
    json: { target, admin, rows },
    text: (paint) => {
      const columns = [{ title: "table" }, { title: "rows", right: true }];
      const table =
        tables.length === 0
          ? ""
          : `${textTable(
              columns,
              tables.map(([name, number]) => [name, count(number)]),
              paint,
            )}\n\n`;
      const what = tables.length === 0 ? "tables and one admin" : plural(total, "row");
      return `${table}${paint.green("made")}  ${safeText(target)}: ${what}, ${elapsed(milliseconds)}; its admin is ${safeText(admin)}`;
    },
  };
}
