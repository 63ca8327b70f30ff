import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterAll } from "vitest";

/** A statement that the tap holds: it was not sent on, or its answer was not. */
export interface Held {
  statement: string;
  /** Lets it, and everything behind it, go its way. */
  release(): void;
  /** The port by which PostgreSQL knows its connection (`pg_stat_activity.client_port`). */
  port: number;
  /** Cuts its connection on both sides, as a network does. */
  cut(): void;
}

export interface SqlTap {
  /** The database, by way of the tap. */
  url: string;
  /** Every statement that passed, over all connections. */
  statements: string[];
  /** Holds the first statement from now on that fits: on its way to PostgreSQL, or its answer on the way back. */
  hold(fits: (statement: string, number: number) => boolean, way?: "statement" | "answer"): Promise<Held>;
  forget(): void;
}

interface Watch {
  fits: (statement: string, number: number) => boolean;
  way: "statement" | "answer";
  caught: (held: Held) => void;
}

/** Between Holdall and PostgreSQL: stops at any statement, which makes "in the middle of" a place and not a matter of luck. */
export function useSqlTaps(): (url: string) => Promise<SqlTap> {
  const closing: (() => void)[] = [];
  afterAll(() => {
    for (const close of closing) close();
  });
  return async (url) => {
    const tap = new Tap(url);
    closing.push(await tap.listen());
    return tap;
  };
}

class Tap implements SqlTap {
  url = "";
  readonly statements: string[] = [];
  readonly #target: URL;
  #watch: Watch | undefined;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  hold(fits: Watch["fits"], way: Watch["way"] = "statement"): Promise<Held> {
    const { promise, resolve } = Promise.withResolvers<Held>();
    this.#watch = { fits, way, caught: resolve };
    return promise;
  }

  forget(): void {
    this.#watch = undefined;
  }

  async listen(): Promise<() => void> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const backend = connect(Number(this.#target.port), this.#target.hostname);
      for (const socket of [client, backend]) {
        socket.setNoDelay(true).on("error", () => {});
        sockets.add(socket.on("close", () => sockets.delete(socket)));
      }
      this.#carry(client, backend);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    this.url = Object.assign(new URL(this.#target), { hostname: "127.0.0.1", port: String(port) }).href;
    return () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
  }

  #carry(client: Socket, backend: Socket): void {
    const cut = () => {
      client.destroy();
      backend.destroy();
    };
    client.on("close", () => backend.destroy());
    // What PostgreSQL said last still arrives.
    backend.on("close", () => client.end());
    backend.on("data", (chunk) => client.write(chunk));
    let rest: Buffer = Buffer.alloc(0);
    client.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let message = takeMessage(rest); message !== null; message = takeMessage(rest)) {
        const watch = this.#noteIfWatched(message);
        if (watch === undefined) {
          backend.write(message);
          rest = rest.subarray(message.length);
          continue;
        }
        this.#watch = undefined;
        const statement = this.statements.at(-1)!;
        if (watch.way === "statement") {
          client.pause();
          // It stays in `rest` and goes with the next turn.
          const held = message;
          rest = rest.subarray(held.length);
          const release = () => {
            backend.write(held);
            client.resume().emit("data", Buffer.alloc(0));
          };
          watch.caught({ statement, release, cut, port: backend.localPort! });
          return;
        }
        backend.write(message);
        rest = rest.subarray(message.length);
        backend.removeAllListeners("data").on("data", (answer: Buffer) => {
          // With parameters, PostgreSQL first says of which types they are.
          if (!endsStatement(answer)) return client.write(answer);
          backend.removeAllListeners("data").pause();
          const release = () => {
            client.write(answer);
            backend.on("data", (later) => client.write(later)).resume();
          };
          watch.caught({ statement, release, cut, port: backend.localPort! });
          return true;
        });
      }
    });
  }

  #noteIfWatched(message: Buffer): Watch | undefined {
    const statement = statementOf(message);
    if (statement === null) return undefined;
    this.statements.push(statement);
    const watch = this.#watch;
    return watch?.fits(statement, this.statements.length) ? watch : undefined;
  }
}

/** One whole message of PostgreSQL's protocol 3.0: a type byte and a length, but for the first, which has no type. */
function takeMessage(bytes: Buffer): Buffer | null {
  if (bytes.length < 8 && bytes[0] === 0) return null;
  const typed = bytes[0] !== 0;
  if (bytes.length < (typed ? 5 : 4)) return null;
  const length = typed ? 1 + bytes.readUInt32BE(1) : bytes.readUInt32BE(0);
  return bytes.length < length ? null : bytes.subarray(0, length);
}

/** Whether CommandComplete or an error is among the messages. */
function endsStatement(answer: Buffer): boolean {
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readUInt32BE(at + 1)) {
    if (answer[at] === 0x43 || answer[at] === 0x45) return true;
  }
  return false;
}

/** `Q` holds a statement; `P` a name and a statement. */
function statementOf(message: Buffer): string | null {
  if (message[0] === 0x51) return message.toString("utf8", 5, message.length - 1);
  if (message[0] !== 0x50) return null;
  const name = message.indexOf(0, 5);
  return message.toString("utf8", name + 1, message.indexOf(0, name + 1));
}
