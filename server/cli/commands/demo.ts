import type { Sql } from "postgres";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { readCatalog } from "../../database/catalog.ts";
import type { Demo, DemoProgress, DemoRequest } from "../../scopes/demo/demo.ts";
import { type DemoSize, demoSizes } from "../../scopes/demo/sizes.ts";
import { type Context, defineCommand, type Result } from "../command.ts";
import { count, elapsed, plural } from "../numbers.ts";
import { safeText } from "../safe-text.ts";
import { loadDemo } from "../scopes.ts";
import { type Target, withTarget } from "../target.ts";
import { textTable } from "../text-table.ts";
import { Refusal, UsageError } from "../usage-error.ts";
import { byteCount, wholeNumber } from "../values.ts";

export const demo = defineCommand({
  name: "demo",
  purpose:
    "Makes the tables of the scope's application in an empty database and fills them, and the blob store, with an instance that looks used. The same options give the same data.",
  operands: [],
  options: {
    ...sizeOptions(demoSizes.easm, "easm"),
    ...sizeOptions(demoSizes.vault, "vault"),
    seed: { type: "string", value: "N", help: "another one gives another instance", default: "1" },
    "large-file": { type: "string", value: "SIZE", help: "of easm: one more file of this size, such as 300M" },
    empty: { type: "boolean", help: "tables, default settings and one admin only: a target for an import" },
    admin: { type: "string", value: "EMAIL", help: "the admin's e-mail address", default: "admin@<scope>.example" },
  },
  general: "installation",
  examples: [
    "holdall demo --assets 20000 --files 100",
    "holdall demo --empty --admin ops@example.com --database embedded:second",
    "holdall demo --scope vault --ciphers 5000 --attachments 200 --database embedded:vault",
  ],
  exitCodes: { 0: "made", 1: "the database or the blob store is not empty; nothing was changed" },
  async run({ options }, context) {
    const data = await loadDemo(context.settings.scope);
    const adminEmail = options.admin ?? data.defaultAdminEmail;
    const largeFileBytes = byteCount("--large-file", options["large-file"]);
    const wanted: DemoRequest = {
      ...sizesOf(context.settings.scope, options),
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

/** The options that say how much a demo has. */
function sizeOptions<N extends string>(sizes: Record<N, DemoSize>, scope: string) {
  const options = Object.entries<DemoSize>(sizes).map(([name, size]) => {
    return [name, { type: "string", value: "N", help: `of ${scope}: ${size.help}`, default: String(size.default) }] as const;
  });
  return Object.fromEntries(options) as Record<N, { type: "string"; value: string; help: string; default: string }>;
}

function sizesOf(scope: string, options: Record<string, unknown>): Record<string, number> {
  const own: Record<string, DemoSize> = demoSizes[scope as keyof typeof demoSizes];
  const others = { ...demoSizes, easm: { ...demoSizes.easm, "large-file": {} } };
  for (const [other, sizes] of Object.entries(others).filter(([name]) => name !== scope)) {
    const strange = Object.keys(sizes).find((name) => options[name] !== undefined && !Object.hasOwn(own, name));
    if (strange !== undefined) throw new UsageError(`--${strange} is of the scope ${other}, and the scope is ${scope}`, "demo");
  }
  const sizes = Object.entries(own).map(([name, size]) => {
    return [name, wholeNumber(`--${name}`, options[name] as string | undefined, size.default, size.least)] as const;
  });
  return Object.fromEntries(sizes);
}

async function makeEmpty(data: Demo, { connection: { sql } }: Target, adminEmail: string): Promise<Record<string, number>> {
  await wholly(sql, async (transaction) => {
    await data.makeSchema(transaction);
    await data.fillEmpty(transaction, { adminEmail });
  });
  return {};
}

async function fill(data: Demo, target: Target, wanted: DemoRequest, context: Context): Promise<Record<string, number>> {
  await assertNoObjects(target.store);
  const onProgress = ({ table, rows, total }: DemoProgress) => {
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
