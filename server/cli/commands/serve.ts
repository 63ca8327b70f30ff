import { once } from "node:events";
import { openPool, type Pool } from "../../blobs/pool.ts";
import { apiPath, type RunningServer, startServer } from "../../http/serve.ts";
import { type Context, defineCommand, type Result } from "../command.ts";
import { failureOf } from "../exit.ts";
import type { Paint } from "../paint.ts";
import { safeText } from "../safe-text.ts";
import { withTarget } from "../target.ts";
import { fields } from "../text-table.ts";
import { UsageError } from "../usage-error.ts";
import { wholeNumber } from "../values.ts";

export const serve = defineCommand({
  name: "serve",
  purpose: "Serves the page and the HTTP API of an installation until Ctrl-C.",
  operands: [],
  options: {
    host: { type: "string", value: "ADDRESS", help: "0.0.0.0 is reachable from outside: put TLS in front", default: "127.0.0.1" },
    port: { type: "string", value: "N", help: "0 takes any that is free", default: "8080" },
    as: { type: "string", value: "EMAIL", help: "the admin in whose name rows enter", default: "the first active admin" },
    pool: {
      type: "string",
      value: "PLACE",
      help: "for files by reference: the folder or s3://bucket/prefix in which blobs/ is",
      default: "HOLDALL_POOL, else none",
    },
  },
  general: "installation",
  examples: ["holdall serve", "HOLDALL_ADMIN_TOKEN=$(cat token) holdall serve --host 0.0.0.0 --port 80"],
  exitCodes: { 0: "ended by Ctrl-C" },
  async run({ options }, context) {
    const port = wholeNumber("--port", options.port, 8080);
    if (port > 65535) throw new UsageError(`--port goes up to 65535, and ${port} is more`, "serve");
    const host = options.host ?? "127.0.0.1";
    return withTarget(context, async ({ scope, connection, store }) => {
      const log = (error: unknown) => context.output.note(`error  ${failureOf(error).message}`);
      const admin = options.as === undefined ? {} : { adminEmail: options.as };
      const place = options.pool ?? (process.env["HOLDALL_POOL"] || undefined);
      const pool: { pool?: Pool } = place === undefined ? {} : { pool: await openPool(place, { mustExist: false }) };
      const server = await startServer({ scope, connection, store, host, port, title: scope.app.name, log, ...admin, ...pool });
      await context.output.result(addresses(server, connection.description));
      await untilEnded(context);
      context.output.note("ending; Ctrl-C again cuts it short");
      await server.close();
      await pool.pool?.close();
      return 0 as const;
    });
  },
});

async function untilEnded({ signal }: Context): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

function addresses(server: RunningServer, target: string): Result {
  const api = new URL(apiPath, server.url).href;
  return {
    exitCode: 0,
    json: { target, url: server.url, api, sign_in_url: server.signInUrl, token: server.token },
    text(paint: Paint) {
      const pairs = [
        ["serving", safeText(target)],
        ["sign in", paint.cyan(server.signInUrl)],
        ["API", `${api}, with Authorization: Bearer ${server.token}`],
      ] as const;
      return `${fields(pairs, paint)}\n\nThe link and the token are secrets. Ctrl-C ends it.`;
    },
  };
}
