import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileStore } from "../../server/blobs/file-store.ts";
import { connect } from "../../server/database/connect.ts";
import { fillDemo, fillEmpty, makeSchema } from "../../server/scopes/vault/demo.ts";
import { vault } from "../../server/scopes/vault/scope.ts";
import { type Measured, measure, median, printTable } from "./measure.ts";
import { type BenchPostgres, startPostgres } from "./postgres.ts";
import type { BenchArgs } from "./run.ts";

const holdall = fileURLToPath(new URL("../../server/cli/holdall.js", import.meta.url));
const tables = Object.keys(vault.tables).flatMap((table) => ["-t", `public.${table}`]);

/** What is measured; all restores but that of a tenth are held against pg_restore. */
const steps = ["pg_restore", "restore", "restore of the rows", "restore again", "restore of a tenth"] as const;
type Step = (typeof steps)[number];

interface Place {
  folder: string;
  server: BenchPostgres;
}

/**
 * A vault restored in mode `replace`, rows and attachments, beside `pg_restore --data-only --single-transaction` of the same rows, in
 * turn, on the same server: into an installation with its schema and one admin, the rows alone into another one, and once more over
 * what was restored, of which one row in a hundred was changed. A tenth of it shows what memory depends on.
 */
export async function run({ json, runs = 3, ciphers = 100_000, attachments = 5_000 }: BenchArgs): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdall-bench-vault-"));
  const server = await startPostgres();
  try {
    const place = { folder, server };
    await fill(place, "source", ciphers, attachments);
    await fill(place, "tenth", Math.ceil(ciphers / 10), Math.ceil(attachments / 10));
    const dump = ["-Fc", "--data-only", "-d", server.url("source"), ...tables, "-f", join(folder, "rows.dump")];
    await measure(server.bin("pg_dump"), dump);
    await exported(place, "source", "whole.zip");
    await exported(place, "source", "rows.zip", ["-o", "include_attachments=false"]);
    await exported(place, "tenth", "tenth.zip");
    const results = Object.fromEntries(steps.map((step) => [step, [] as Measured[]])) as Record<Step, Measured[]>;
    for (let i = 0; i < runs; i++) await oneRun(place, results);
    await report(results, { server: server.version, ciphers, attachments, runs, json }, folder);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill({ server, folder }: Place, name: string, ciphers: number, attachments: number): Promise<void> {
  await server.createDatabase(name);
  const { sql, close } = await connect(server.url(name));
  await makeSchema(sql);
  await fillDemo(sql, fileStore(join(folder, name)), { users: 50, ciphers, attachments, seed: 1 });
  await sql.unsafe("vacuum analyze");
  await close();
}

const where = ({ server, folder }: Place, name: string) => [
  ...["--scope", "vault", "--database", server.url(name)],
  ...["--blobs", `file:${join(folder, name)}`, "--quiet"],
];

async function exported(place: Place, name: string, bundle: string, options: string[] = []): Promise<void> {
  await measure(holdall, ["export", "--out", join(place.folder, bundle), ...options, ...where(place, name)]);
}

async function oneRun(place: Place, results: Record<Step, Measured[]>): Promise<void> {
  const { server, folder } = place;
  await inTarget(place, false, async (name) => {
    const args = ["--data-only", "--single-transaction", "-d", server.url(name), join(folder, "rows.dump")];
    results.pg_restore.push(await measure(server.bin("pg_restore"), args));
  });
  const restore = (name: string, bundle: string, more: string[] = []) =>
    measure(holdall, [
      ...["import", join(folder, bundle), "--mode", "replace", "--yes", ...more],
      ...["--as", "admin@vault.example", ...where(place, name)],
    ]);
  await inTarget(place, true, async (name) => {
    results.restore.push(await restore(name, "whole.zip"));
    await execute(server, name, "update ciphers set notes = 'changed' where abs(hashtext(id)) % 100 = 0");
    await execute(server, name, "vacuum analyze");
    results["restore again"].push(await restore(name, "whole.zip", ["--replace-existing"]));
  });
  await inTarget(place, true, async (name) => results["restore of the rows"].push(await restore(name, "rows.zip")));
  await inTarget(place, true, async (name) => results["restore of a tenth"].push(await restore(name, "tenth.zip")));
}

/** An installation as it is after set-up, as long as `work` takes. */
async function inTarget({ server, folder }: Place, withAdmin: boolean, work: (name: string) => Promise<unknown>): Promise<void> {
  const name = "target";
  await server.createDatabase(name);
  const { sql, close } = await connect(server.url(name));
  await makeSchema(sql);
  if (withAdmin) await fillEmpty(sql, {});
  await sql.unsafe("checkpoint");
  await close();
  await work(name);
  await execute(server, "source", `drop database ${name}`);
  await rm(join(folder, name), { recursive: true, force: true });
}

async function execute(server: BenchPostgres, name: string, statement: string): Promise<void> {
  const { sql, close } = await connect(server.url(name));
  await sql.unsafe(statement);
  await close();
}

async function report(
  results: Record<Step, Measured[]>,
  context: { server: string; ciphers: number; attachments: number; runs: number; json: boolean },
  folder: string,
): Promise<void> {
  const seconds = (step: Step) => median(results[step].map((measured) => measured.seconds));
  const peakMB = (step: Step) => Math.max(...results[step].map((measured) => measured.peakBytes)) / 1e6;
  const ratio = (step: Step) => seconds(step) / seconds("pg_restore");
  const size = { dump: (await stat(join(folder, "rows.dump"))).size, bundle: (await stat(join(folder, "whole.zip"))).size };
  const { ciphers, attachments, server, runs } = context;
  console.log(`${ciphers} ciphers, ${attachments} attachments, ${server}, medians of ${runs}`);
  const isPeer = (step: Step) => step !== "pg_restore" && step !== "restore of a tenth";
  printTable([
    ["", "seconds", "ratio", "peak MB"],
    ...steps.map((step) => [step, seconds(step).toFixed(1), isPeer(step) ? ratio(step).toFixed(2) : "", peakMB(step).toFixed(0)]),
  ]);
  if (!context.json) return;
  const figures = Object.fromEntries(steps.map((step) => [step, { seconds: seconds(step), peakMB: peakMB(step) }]));
  const ratios = Object.fromEntries(steps.filter(isPeer).map((step) => [step, ratio(step)]));
  console.log(JSON.stringify({ bench: "vault", ...context, figures, size, ratios }));
}
