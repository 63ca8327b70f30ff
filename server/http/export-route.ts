import type { UnderlyingSource } from "node:stream/web";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { BackupError } from "../../engine/errors.ts";
import type { Pool } from "../blobs/pool.ts";
import { exportBundle } from "../export/export-bundle.ts";
import type { BackupEnv, Installation } from "./backup-app.ts";
import { readJsonObject } from "./json-body.ts";
import type { Task } from "./running.ts";
import { readTenants } from "./tenants-route.ts";

export const containerTypes = { zip: "application/zip", ndjson: "application/x-ndjson" } as const;

export async function exportRoute(c: Context<BackupEnv>, installation: Installation): Promise<Response> {
  const { tenants: asked, files, ...options } = await readJsonObject(c.req.raw);
  const tenants = readTenants(asked);
  const pool = poolFor(files, installation);
  const type = accepts(c, { header: "Accept", supports: Object.values(containerTypes), default: containerTypes.zip });
  const container = type === containerTypes.ndjson ? "ndjson" : "zip";
  const createdAt = new Date();
  const task = installation.running.begin(c.req.raw.signal);
  const { sql, store, scope } = installation;
  const bytes = exportBundle({
    sql,
    store,
    scope,
    container,
    options,
    createdAt,
    signal: task.signal,
    ...(tenants && { tenants }),
    ...(pool && { poolBlobs: pool.blobs }),
  });
  try {
    const first = await bytes.next();
    return new Response(bundleStream(first, bytes, task), {
      headers: {
        "Content-Type": type,
        "Content-Disposition": `attachment; filename="${fileName(scope.app.name, createdAt, container)}"`,
        "Cache-Control": "no-store",
      },
    });
  } catch (error) {
    task.end();
    throw error;
  }
}

function poolFor(files: unknown, { pool }: Installation): Pool | undefined {
  if (files === undefined || files === "in-bundle") return undefined;
  if (files !== "by-reference")
    throw new BackupError("REQUEST_INVALID", `files is "in-bundle" or "by-reference", not ${JSON.stringify(files)}`);
  if (pool !== undefined) return pool;
  throw new BackupError(
    "REQUEST_INVALID",
    "this server has no pool for files by reference; start it with --pool, or HOLDALL_POOL",
  );
}

/** Windows takes no colon in a file's name. */
function fileName(app: string, createdAt: Date, container: "zip" | "ndjson"): string {
  const time = createdAt
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, "")
    .replace("T", "-");
  return `${app.replaceAll(/[^A-Za-z0-9_-]/g, "-")}-backup-${time}.${container}`;
}

/**
 * Makes the bundle as it is pulled, and nothing ahead (`highWaterMark` 0): the back-pressure reaches PostgreSQL, and a
 * failure meets a read that waits for it, which is what makes a server cut the connection instead of ending it well.
 */
function bundleStream(first: IteratorResult<Uint8Array>, rest: AsyncGenerator<Uint8Array>, task: Task): ReadableStream {
  let next: IteratorResult<Uint8Array> | undefined = first;
  const source: UnderlyingSource<Uint8Array> = {
    async pull(controller) {
      try {
        const { done, value } = next ?? (await rest.next());
        next = undefined;
        if (!done) return controller.enqueue(value);
        task.end();
        controller.close();
      } catch (error) {
        task.end();
        controller.error(new ExportBroken(error));
      }
    },
    async cancel() {
      task.abort("the client went away");
      await rest.return(undefined).catch(() => {});
      task.end();
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** What a server logs of a bundle that was cut: no cause and no stack, in which a row's values might stand. */
class ExportBroken extends Error {
  override readonly name = "ExportBroken";

  constructor(cause: unknown) {
    const { message, name } = cause as Error;
    super(
      `an export ended early: ${cause instanceof BackupError ? `${cause.code}: ${message}` : name === "AbortError" ? message : name}`,
    );
    this.stack = `${this.name}: ${this.message}`;
  }
}
