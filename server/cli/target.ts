import type { BlobStore } from "../blobs/blob-store.ts";
import { openStore } from "../blobs/open-store.ts";
import { type Connection, connect } from "../database/connect.ts";
import type { Scope } from "../scope/define-scope.ts";
import type { Context } from "./command.ts";
import { loadScope } from "./scopes.ts";

/** An installation that a command works on. */
export interface Target {
  scope: Scope;
  connection: Connection;
  store: BlobStore;
}

/** Opens database and blob store for as long as `work` takes. */
export async function withTarget<T>(context: Context, work: (target: Target) => Promise<T>): Promise<T> {
  const { settings, output, signal } = context;
  return withDatabase(context, async ({ scope, connection }) => {
    const store = await openStore(settings.blobs);
    try {
      signal.throwIfAborted();
      return await work({ scope, connection, store });
    } finally {
      output.progress.stop();
      await store.close?.();
    }
  });
}

/** The same without the blob store. */
export async function withDatabase<T>(context: Context, work: (target: Omit<Target, "store">) => Promise<T>): Promise<T> {
  const scope = await loadScope(context.settings);
  return withConnection(context, (connection) => work({ scope, connection }));
}

/** The database alone. */
export async function withConnection<T>(
  { settings, output, signal }: Context,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  output.progress.update({ phase: settings.database.startsWith("embedded:") ? "starting PostgreSQL" : "connecting" });
  const say = (line: string) => output.note(line);
  const connection = await connect(settings.database, { home: settings.home, say });
  try {
    signal.throwIfAborted();
    return await work(connection);
  } finally {
    output.progress.stop();
    await connection.close();
  }
}
