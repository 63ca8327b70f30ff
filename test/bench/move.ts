import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sql } from "postgres";
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

/** What is measured, and beside whom. */
const peers = {
  "pg_dump -Fc": undefined,
  export: "pg_dump -Fc",
  pg_restore: undefined,
  import: "pg_restore",
  merge: "pg_restore",
  "plan of the merge": "pg_restore",
} as const;
type Step = keyof typeof peers;
const steps = Object.keys(peers) as Step[];

/**
 * Export and import of the demo's rows beside `pg_dump -Fc --data-only` and `pg_restore --data-only --single-transaction` of the same
 * tables, in turn, on the same server. An import's target has the schema with its keys and indexes, and no rows but users; a merge's
 * has all rows of the bundle, one in a hundred of them changed.
 */
export async function run({ json, runs = 3, assets = 1_000_000 }: BenchArgs): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdall-bench-move-"));
  const server = await startPostgres();
  try {
    await fill(server, "source", { assets, folder });
    await fullTarget(server, "full");
    const results = Object.fromEntries(steps.map((step) => [step, [] as Measured[]])) as Record<Step, Measured[]>;
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

/** All rows of the source, one in a hundred of the larger tables' changed, and the importer. */
async function fullTarget(server: BenchPostgres, name: string): Promise<void> {
  await server.createDatabase(name, "source");
  const { sql, close } = await connect(server.url(name));
  await addImporter(sql);
  const chosen = (key: string) => `abs(hashtext(${key}::text)) % 100 = 0`;
  await sql.unsafe(`update assets set notes = 'changed in the target' where ${chosen("id")}`);
  await sql.unsafe(`update asset_edges set confidence = 0.123 where ${chosen("source_asset_id")}`);
  await sql.unsafe(`update vulnerabilities set notes = 'changed in the target' where ${chosen("id")}`);
  await sql.unsafe("vacuum analyze");
  await close();
}

async function oneRun(server: BenchPostgres, folder: string, i: number, results: Record<Step, Measured[]>): Promise<void> {
  const [dump, bundle] = [join(folder, "rows.dump"), join(folder, "rows.zip")];
  await rm(dump, { force: true });
  await withoutCycle(server, "source");
  results["pg_dump -Fc"].push(
    await measure(server.bin("pg_dump"), ["-Fc", "--data-only", "-d", server.url("source"), ...tables, "-f", dump]),
  );
  await withCycle(server, "source");
  const where = (database: string) => ["--database", server.url(database), "--blobs", `file:${join(folder, "source-blobs")}`];
  results.export.push(await measure(holdall, ["export", "--out", bundle, "--force", "--quiet", ...where("source")]));

  const restored = await emptyTarget(server, `restored_${i}`, false);
  await withoutCycle(server, restored);
  const restore = ["--data-only", "--single-transaction", "-d", server.url(restored), dump];
  results.pg_restore.push(await measure(server.bin("pg_restore"), restore));
  await dropTarget(server, restored);
  const imported = await emptyTarget(server, `imported_${i}`, true);
  const as = ["--as", "importer@target.example", "--quiet"];
  const args = ["import", bundle, "--mode", "skip_existing", "--yes", ...as];
  results.import.push(await measure(holdall, [...args, ...where(imported)]));
  await dropTarget(server, imported);

  const merged = `merged_${i}`;
  await server.createDatabase(merged, "full");
  await execute(server, merged, "checkpoint");
  const plan = ["preview", bundle, "--mode", "merge", ...as];
  results["plan of the merge"].push(await measure(holdall, [...plan, ...where(merged)]));
  results.merge.push(await measure(holdall, ["import", bundle, "--mode", "merge", "--yes", ...as, ...where(merged)]));
  await dropTarget(server, merged);
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
  if (withAdmin) await addImporter(sql);
  await sql.unsafe("checkpoint");
  await close();
  return name;
}

async function addImporter(sql: Sql): Promise<void> {
  await sql`insert into users (email, display_name, password_hash, is_admin) values ('importer@target.example', 'Importer', '-', true)`;
}

async function dropTarget(server: BenchPostgres, name: string): Promise<void> {
  await execute(server, "source", `drop database ${name}`);
}

async function report(
  results: Record<Step, Measured[]>,
  folder: string,
  context: { server: string; assets: number; runs: number; json: boolean },
): Promise<void> {
  const seconds = (step: Step) => median(results[step].map((measured) => measured.seconds));
  const peakMB = (step: Step) => Math.max(...results[step].map((measured) => measured.peakBytes)) / 1e6;
  const ratio = (step: Step) => (peers[step] === undefined ? undefined : seconds(step) / seconds(peers[step]));
  const size = { dump: (await stat(join(folder, "rows.dump"))).size, bundle: (await stat(join(folder, "rows.zip"))).size };
  const megabytes: Partial<Record<Step, number>> = { "pg_dump -Fc": size.dump / 1e6, export: size.bundle / 1e6 };
  console.log(`${context.assets} assets, ${context.server}, medians of ${context.runs}`);
  printTable([
    ["", "seconds", "ratio", "peak MB", "size MB"],
    ...steps.map((step) => [
      step,
      seconds(step).toFixed(1),
      ratio(step)?.toFixed(2) ?? "",
      peakMB(step).toFixed(0),
      megabytes[step]?.toFixed(0) ?? "",
    ]),
  ]);
  if (!context.json) return;
  const figures = Object.fromEntries(steps.map((step) => [step, { seconds: seconds(step), peakMB: peakMB(step) }]));
  const ratios = Object.fromEntries(steps.flatMap((step) => (ratio(step) === undefined ? [] : [[step, ratio(step)]])));
  console.log(JSON.stringify({ bench: "move", ...context, figures, size, ratios }));
}
