import { Readable } from "node:stream";
import type { Sql } from "postgres";
import { bytesPassed } from "../external-memory.ts";

/** Where the rows of a COPY go. */
export interface RowSink {
  /** One row as COPY writes it, its line end included; the bytes are valid during the call. */
  row(bytes: Uint8Array): void;
  /** Whether there is something to pass on before more rows are taken. */
  readonly full: boolean;
}

/**
 * `COPY … TO STDOUT`: gives `sink` each row, and control to the caller whenever the sink is full. Rows come straight from the
 * protocol's messages, of which each holds one: going through the stream's own buffer takes longer than all else that is done
 * with a row. Stopping early leaves the connection in the middle of the COPY, fit only to be closed.
 */
export async function* copyOut(sql: Sql, statement: string, sink: RowSink): AsyncGenerator<void> {
  const copy = new Copy(sink);
  try {
    const readable = await copy.open(sql, statement);
    while (!(await copy.pausedOrEnded())) {
      yield;
      readable._read(0);
    }
    // postgres.js 3.4 pauses the socket on a full stream and resumes it when the stream asks for more, which one that has
    // ended never does: without this, the next answer of the session may never be read.
    readable._read(0);
  } finally {
    copy.close();
  }
}

/** Rows that are held while the caller works on those before. */
const linesHeld = 1000;

/** The rows of a COPY without their line ends; the caller may keep them. */
export async function* copyLines(sql: Sql, statement: string): AsyncGenerator<Uint8Array> {
  const held: Uint8Array[] = [];
  const sink: RowSink = {
    row: (bytes) => void held.push(bytes.slice(0, -1)),
    get full() {
      return held.length >= linesHeld;
    },
  };
  for await (const _ of copyOut(sql, statement, sink)) yield* held.splice(0);
  yield* held;
}

class Copy {
  readonly #sink: RowSink;
  #readable: Readable | undefined;
  #state: "flowing" | "paused" | "ended" = "flowing";
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(sink: RowSink) {
    this.#sink = sink;
  }

  /**
   * PostgreSQL may say "here it comes", all rows and "it failed" in one packet: whoever awaits the stream would be too late. The
   * query's own `resolve` is called in time.
   */
  async open(sql: Sql, statement: string): Promise<Readable> {
    const query = sql.unsafe(statement);
    const opening = query as unknown as { resolve(result: unknown): void };
    const { resolve } = opening;
    opening.resolve = (result) => {
      // The same function also takes the command's end.
      if (result instanceof Readable) this.#divert(result);
      resolve(result);
    };
    return query.readable();
  }

  #divert(readable: Readable): void {
    this.#readable = readable;
    readable.push = (row: Uint8Array | null) => this.#take(row);
    readable.on("error", (error) => this.#fail(error));
    readable.on("close", () => this.#fail(new Error("the COPY was broken off")));
  }

  #take(row: Uint8Array | null): boolean {
    if (row !== null) {
      this.#sink.row(row);
      bytesPassed(row.length);
    }
    if (row !== null && !this.#sink.full) return true;
    this.#state = row === null ? "ended" : "paused";
    this.#wake();
    return false;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** Whether it has ended; else the sink is full. */
  async pausedOrEnded(): Promise<boolean> {
    if (this.#state === "flowing" && this.#failure === undefined) await new Promise<void>((wake) => (this.#wake = wake));
    if (this.#state === "ended") return true;
    if (this.#failure !== undefined) throw this.#failure;
    this.#state = "flowing";
    return false;
  }

  close(): void {
    this.#readable?.destroy();
  }
}
