import { once } from "node:events";
import type { Sink } from "./output-file.ts";

/** Writes to a pipe no faster than it is read. */
export function stdoutSink(signal: AbortSignal): Sink {
  const { stdout } = process;
  let failure: Error | undefined;
  stdout.on("error", (error) => {
    failure = error;
  });
  return {
    async write(bytes) {
      if (failure !== undefined) throw failure;
      if (!stdout.write(bytes)) await once(stdout, "drain", { signal });
    },
    commit: () => new Promise((done, fail) => stdout.write("", (error) => (error ? fail(error) : done()))),
    // What was sent is sent: the missing end of the bundle and the exit code tell.
    async discard() {},
  };
}
