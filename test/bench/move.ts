import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileStore } from "../../server/blobs/file-store.ts";
import { connect } from "../../server/database/connect.ts";
import { fillDemo, makeSchema } from "../../server/scopes/easm/demo.ts";
import { easm } from "../../server/scopes/easm/scope.ts";
import { type Measured, measure, median, printTable } from "./measure.ts";
import { type BenchPostgres, startPostgres } from "./postgres.ts";
import type { BenchArgs } from "./run.ts";

const holdall = fileURLToPath(new URL("../../server/cli/holdall.js", import.meta.url));

/** What pg_dump takes along: the same tables, and the users that they refer to, who must be there for pg_restore. */
const tables = Object.keys(easm.tables).flatMap((table) => ["-t", `public.${table}`]);

/**
 * Export and import of the demo's rows beside `pg_dump -Fc --data-only` and `pg_restore --data-only --single-transaction` of the same
 * tables, in turn, on the same server. Every target has the schema with its keys and indexes, and no rows but users.
 */
export async function run({ json, runs = 3, assets = 1_000_000 }: BenchArgs): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdall-bench-move-"));
  const server = await startPostgres();
  try {
    await fill(server, "source", { assets, folder });
    const results: Record<string, Measured[]> = { "pg_dump -Fc": [], export: [], pg_restore: [], import: [] };
    for (let i = 0; i < runs; i++) await oneRun(server, folder, i, results);
    await report(results, folder, { server: server.version, assets, runs, json });
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(server: BenchPostgres, name: string, { assets, folder }: { assets: number; folder: string }): Promise<void> {
  await server.createDatabase(name);
  const { sql, close } = await connect(server.url(name));
  await makeSchema(sql);
  await fillDemo(sql, fileStore(join(folder, "source-blobs")), { assets, files: 0, orgs: 3, seed: 1 });
  await sql.unsafe("vacuum analyze");
  await close();
}

async function oneRun(server: BenchPostgres, folder: string, i: number, results: Record<string, Measured[]>): Promise<void> {
  const [dump, bundle] = [join(folder, "rows.dump"), join(folder, "rows.zip")];
  await rm(dump, { force: true });
  await withoutCycle(server, "source");
  results["pg_dump -Fc"]!.push(
    await measure(server.bin("pg_dump"), ["-Fc", "--data-only", "-d", server.url("source"), ...tables, "-f", dump]),
  );
  await withCycle(server, "source");
  const where = (database: string) => ["--database", server.url(database), "--blobs", `file:${join(folder, "source-blobs")}`];
  results["export"]!.push(await measure(holdall, ["export", "--out", bundle, "--force", "--quiet", ...where("source")]));

  const restored = await emptyTarget(server, `restored_${i}`, false);
  await withoutCycle(server, restored);
  const restore = ["--data-only", "--single-transaction", "-d", server.url(restored), dump];
  results["pg_restore"]!.push(await measure(server.bin("pg_restore"), restore));
  await dropTarget(server, restored);
  const imported = await emptyTarget(server, `imported_${i}`, true);
  const args = ["import", bundle, "--mode", "skip_existing", "--as", "importer@target.example", "--yes", "--quiet"];
  results["import"]!.push(await measure(holdall, [...args, ...where(imported)]));
  await dropTarget(server, imported);
}

/** pg_dump cannot order tables that refer to each other, and a data-only restore of its order fails: its peer is spared one key. */
async function withoutCycle(server: BenchPostgres, name: string): Promise<void> {
  await execute(server, name, "alter table reports drop constraint reports_file_id_fkey");
}

async function withCycle(server: BenchPostgres, name: string): Promise<void> {
  await execute(server, name, "alter table reports add foreign key (file_id) references files (id) on delete set null");
}

async function execute(server: BenchPostgres, name: string, statement: string): Promise<void> {
  const { sql, close } = await connect(server.url(name));
  await sql.unsafe(statement);
  await close();
}

async function emptyTarget(server: BenchPostgres, name: string, withAdmin: boolean): Promise<string> {
  await server.createDatabase(name);
  const { sql, close } = await connect(server.url(name));
  await makeSchema(sql);
  if (withAdmin) {
    await sql`insert into users (email, display_name, password_hash, is_admin) values ('importer@target.example', 'Importer', '-', true)`;
  }
  await sql.unsafe("checkpoint");
  await close();
  return name;
}

async function dropTarget(server: BenchPostgres, name: string): Promise<void> {
  await execute(server, "source", `drop database ${name}`);
}

async function report(
  results: Record<string, Measured[]>,
  folder: string,
  context: { server: string; assets: number; runs: number; json: boolean },
): Promise<void> {
  const seconds = (name: string) => median(results[name]!.map((measured) => measured.seconds));
  const peak = (name: string) => Math.max(...results[name]!.map((measured) => measured.peakBytes)) / 1e6;
  const size = { dump: (await stat(join(folder, "rows.dump"))).size, bundle: (await stat(join(folder, "rows.zip"))).size };
  const ratios = { export: seconds("export") / seconds("pg_dump -Fc"), import: seconds("import") / seconds("pg_restore") };
  const row = (name: string, ratio?: number, bytes?: number) => [
    name,
    seconds(name).toFixed(1),
    ratio === undefined ? "" : ratio.toFixed(2),
    peak(name).toFixed(0),
    bytes === undefined ? "" : (bytes / 1e6).toFixed(0),
  ];
  console.log(`${context.assets} assets, ${context.server}, medians of ${context.runs}`);
  printTable([
    ["", "seconds", "ratio", "peak MB", "size MB"],
    row("pg_dump -Fc", undefined, size.dump),
    row("export", ratios.export, size.bundle),
    row("pg_restore"),
    row("import", ratios.import),
  ]);
  if (!context.json) return;
  const figures = Object.fromEntries(Object.keys(results).map((name) => [name, { seconds: seconds(name), peakMB: peak(name) }]));
  console.log(JSON.stringify({ bench: "move", ...context, figures, size, ratios }));
}
