import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { afterAll } from "vitest";
import { type Connection, connect } from "../../server/database/connect.ts";
import { askFor } from "./ask-for.ts";

export interface TestDatabase {
  /** With its password. */
  url: string;
  name: string;
  sql: postgres.Sql;
}

/**
 * Fresh databases for one test file, dropped after its last test: `const db = useDatabase();` at its top. In the embedded
 * PostgreSQL, or in the distribution's own (`systemDatabaseSkipReason`).
 */
export function useDatabase(service: "database" | "system-database" = "database"): {
  /** Empty, or a copy of one to which nobody is connected. */
  create(template?: string): Promise<TestDatabase>;
} {
  let admin: Connection | undefined;
  const made: { name: string; connection: Connection }[] = [];
  afterAll(async () => {
    for (const { name, connection } of made) {
      await connection.close();
      // A test may have left a connection behind, a killed server for one.
      await admin!.sql`drop database if exists ${admin!.sql(name)} with (force)`;
    }
    await admin?.close();
  }, 60_000);
  return {
    async create(template = "template1") {
      const { url: adminUrl } = await askFor<{ url: string }>(service);
      admin ??= await connect(adminUrl, { max: 1 });
      const name = `test_${randomBytes(6).toString("hex")}`;
      await admin.sql`create database ${admin.sql(name)} template ${admin.sql(template)}`;
      const url = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href;
      const connection = await connect(url);
      made.push({ name, connection });
      return { url, name, sql: connection.sql };
    },
  };
}
