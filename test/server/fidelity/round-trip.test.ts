import fc from "fast-check";
import type postgres from "postgres";
import { describe, expect, test } from "vitest";
import { readCatalog } from "../../../server/database/catalog.ts";
import { useDatabase } from "../../support/database.ts";
import { systemDatabaseSkipReason } from "../../support/system-database.ts";
import {
  copyTexts,
  exportRandom,
  importRandom,
  makeRandom,
  prepareServer,
  previewRandom,
  staleSequences,
  wholeScope,
} from "./instance.ts";
import { type RandomSchema, randomSchema } from "./schema.ts";

/** Random schemas for each server; `npm run test:fidelity` tries more. */
const runs = Number(process.env["HOLDALL_FIDELITY_RUNS"] || 12);
const seed = process.env["HOLDALL_FIDELITY_SEED"];

async function survives(source: postgres.Sql, target: postgres.Sql, schema: RandomSchema, container: "zip" | "ndjson") {
  await makeRandom(source, schema, true);
  await makeRandom(target, schema, false);
  const scope = wholeScope(await readCatalog(source));
  const bytes = await exportRandom(source, scope, container);
  const { plan } = await importRandom(target, scope, bytes);
  const rows = schema.tables.reduce((sum, table) => sum + table.rows.length, 0);
  expect(plan.tables.reduce((sum, { outcomes }) => sum + (outcomes.insert ?? 0), 0)).toBe(rows);
  expect(await copyTexts(target)).toEqual(await copyTexts(source));
  const again = await previewRandom(target, scope, bytes);
  expect(again.tables.reduce((sum, { outcomes }) => sum + (outcomes.identical ?? 0), 0)).toBe(rows);
  expect(await staleSequences(target)).toEqual([]);
}

describe.each([
  ["the embedded PostgreSQL", "database", undefined],
  ["the distribution's PostgreSQL", "system-database", systemDatabaseSkipReason()],
] as const)("what leaves %s arrives as it was", (_, service, skipReason) => {
  const db = useDatabase(service);

  test.skipIf(skipReason !== undefined)(
    `in ${runs} random schemas${skipReason === undefined ? "" : `: ${skipReason}`}`,
    async () => {
      const [source, target] = [await db.create(), await db.create()];
      const server = await prepareServer(source.sql);
      await prepareServer(target.sql);
      const property = fc.asyncProperty(randomSchema(server), fc.constantFrom("zip", "ndjson"), (schema, container) =>
        survives(source.sql, target.sql, schema, container),
      );
      await fc.assert(property, {
        numRuns: runs,
        ...(seed && { seed: Number(seed) }),
        interruptAfterTimeLimit: 560_000,
        endOnFailure: process.env["HOLDALL_FIDELITY_QUICK"] === "1",
      });
    },
    600_000,
  );
});
