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

/** What databases of one kind begin with: it is filled once a test file, and copied for each of them. */
export interface Template {
  fill(database: Pick<TestDatabase, "url" | "sql">): Promise<unknown>;
}

/**
 * Fresh databases for one test file, dropped after its last test: `const db = useDatabase();` at its top. In the embedded
 * PostgreSQL, or in the distribution's own (`systemDatabaseSkipReason`).
 */
export function useDatabase(service: "database" | "system-database" = "database"): {
  /** Empty, or a copy: of a kind, or of a database by name to which nobody is connected. */
  create(template?: Template | string): Promise<TestDatabase>;
} {
  let admin: Connection | undefined;
  const made: { name: string; connection?: Connection }[] = [];
  const templates = new Map<Template, Promise<string>>();
  const newName = () => `test_${randomBytes(6).toString("hex")}`;
  const urlOf = (adminUrl: string, name: string) => Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href;

  async function makeTemplate(adminUrl: string, { fill }: Template): Promise<string> {
    const name = newName();
    await admin!.sql`create database ${admin!.sql(name)}`;
    made.push({ name });
    const url = urlOf(adminUrl, name);
    const { sql, close } = await connect(url);
    await fill({ url, sql });
    await close();
    return name;
  }

  afterAll(async () => {
    for (const { name, connection } of made) {
      await connection?.close();
      // A test may have left a connection behind, a killed server for one.
      await admin!.sql`drop database if exists ${admin!.sql(name)} with (force)`;
    }
    await admin?.close();
  }, 60_000);
  return {
    async create(template = "template1") {
      const { url: adminUrl } = await askFor<{ url: string }>(service);
      admin ??= await connect(adminUrl, { max: 1 });
      if (typeof template !== "string" && !templates.has(template)) templates.set(template, makeTemplate(adminUrl, template));
      const from = typeof template === "string" ? template : await templates.get(template)!;
      const name = newName();
      await admin.sql`create database ${admin.sql(name)} template ${admin.sql(from)}`;
      const url = urlOf(adminUrl, name);
      // A file keeps a score of databases open, and two files run at a time.
      const connection = await connect(url, { max: 4 });
      made.push({ name, connection });
      return { url, name, sql: connection.sql };
    },
  };
}
