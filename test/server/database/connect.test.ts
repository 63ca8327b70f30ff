import { createServer } from "node:net";
import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { BackupError } from "../../../engine/errors.ts";
import { type ConnectOptions, connect, databaseError } from "../../../server/database/connect.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";

const db = useDatabase();
let database: TestDatabase;
beforeAll(async () => {
  database = await db.create();
});

async function failure(url: string, options: ConnectOptions = {}): Promise<BackupError> {
  const error = await connect(url, options).then(
    () => new Error("it connected"),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(BackupError);
  expect(error.code).toBe("IO_DATABASE");
  return error;
}

describe("a connection", () => {
  const shaped = "select now()::timestamptz(0) at time zone 'UTC' = now()::timestamptz(0)::text::timestamp as utc";

  test("writes values in one form, whatever the server, the database and the URL prefer", async () => {
    const { sql, name } = database;
    const preferences = [
      "timezone = 'Asia/Tokyo'",
      "datestyle = 'German'",
      "intervalstyle = 'iso_8601'",
      "bytea_output = 'escape'",
    ];
    for (const preference of preferences) await sql.unsafe(`alter database ${name} set ${preference}`);
    await sql.unsafe(`alter database ${name} set extra_float_digits = -3`);
    const connection = await connect(`${database.url}?TimeZone=Asia/Tokyo&application_name=x&bytea_output=escape`);
    const [row] =
      await connection.sql`select timestamptz '2024-02-29 12:00:00.123456+02' ::text as at, date '2024-02-29' ::text as day,
      interval '1 day 02:03:04' ::text as span, bytea '\\x00ff' ::text as bytes, (0.1::float8 + 0.2::float8)::text as float,
      current_setting('application_name') as application`;
    expect(row).toEqual({
      at: "2024-02-29 10:00:00.123456+00",
      day: "2024-02-29",
      span: "1 day 02:03:04",
      bytes: "\\x00ff",
      float: "0.30000000000000004",
      application: "holdall",
    });
    expect((await connection.sql.unsafe(shaped))[0]).toEqual({ utc: true });
    await connection.close();
  });

  test("takes URLs that were written for other clients", async () => {
    const connection = await connect(`${database.url}?schema=public&channel_binding=prefer&connection_limit=3&sslmode=disable`);
    expect(await connection.sql`select 1 as one`).toEqual([{ one: 1 }]);
    await connection.close();
  });

  test("prints no notices", async () => {
    await database.sql`create table if not exists twice (n int)`;
    await expect(database.sql`create table if not exists twice (n int)`).resolves.toBeDefined();
  });

  test("describes itself without its password", async () => {
    const connection = await connect(database.url);
    expect(connection.description).toMatch(/^database test_\w+ at [\w.]+:\d+$/);
    await connection.close();
  });
});

describe("a database that does not answer", () => {
  test.each([
    ["postgres://me:topsecret@127.0.0.1:1/app", /database app at 127\.0\.0\.1:1 .*ECONNREFUSED.*start the server/],
    ["postgresql://me:topsecret@localhost:1/app", /database app at localhost:1 .*ECONNREFUSED/],
    ["postgres://me:top@secret@127.0.0.1:1/app", /database app at 127\.0\.0\.1:1/],
    ["postgres://me:topsecret@no-such-host.invalid/app", /no-such-host\.invalid .*ENOTFOUND|EAI_AGAIN/],
    ["postgres://me:topsecret@127.0.0.1:port/app", /database app at 127\.0\.0\.1:port .*URL does not parse/],
    ["mysql://me:topsecret@127.0.0.1/app", /neither a postgres URL nor embedded:NAME/],
    ["", /neither a postgres URL/],
  ])("%s is IO_DATABASE that says where and what to do, without the password", async (url, message) => {
    const error = await failure(url);
    expect(error.message).toMatch(message);
    expect(inspect(error)).not.toContain("topsecret");
  });

  test("or refuses us says what PostgreSQL said", async () => {
    const absent = await failure(Object.assign(new URL(database.url), { pathname: "/no_such_database" }).href);
    expect(absent.message).toMatch(
      /no_such_database at .* said: database "no_such_database" does not exist; create the database/,
    );
    expect(absent.details).toEqual({ sqlstate: "3D000" });
    const stranger = await failure(
      Object.assign(new URL(database.url), { username: "no_such_user", password: "topsecret" }).href,
    );
    expect(stranger.message).toMatch(/check the user and password/);
    expect(stranger.message).not.toContain("topsecret");
  });

  test("or is something else is not waited for without end", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    const error = await failure(`postgres://me:x@127.0.0.1:${port}/app`, { patience: 1_000 });
    expect(error.message).toMatch(/did not answer in time/);
    server.close();
  });
});

describe("databaseError", () => {
  test("leaves our own errors alone and keeps rows out of the message", async () => {
    const own = new BackupError("IMPORT_LOCKED", "another import runs");
    expect(databaseError(own)).toBe(own);
    await database.sql`create table people (email text primary key)`;
    await database.sql`insert into people values ('alice@example.org')`;
    const cause = await database.sql`insert into people values ('alice@example.org')`.catch((error) => error);
    const error = databaseError(cause, "database app");
    expect(error.message).toMatch(/^database app said: duplicate key value/);
    expect(error.message).not.toContain("alice");
    expect(error.details).toEqual({ sqlstate: "23505" });
    expect(error.cause).toBe(cause);
  });

  test("takes anything that can be thrown", () => {
    for (const thrown of [undefined, "text", new AggregateError([Object.assign(new Error("x"), { code: "ECONNREFUSED" })])]) {
      expect(databaseError(thrown)).toMatchObject({ code: "IO_DATABASE" });
    }
  });
});
