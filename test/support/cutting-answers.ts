import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A connection in between that breaks, as by a pulled cable, in the middle of the answers to some requests. */
export interface CuttingAnswers {
  port: number;
  cuts(): number;
  close(): Promise<void>;
}

/** Breaks the connection `bytes` after a request whose head matches. */
export async function cuttingAnswers(target: URL, matches: RegExp, bytes: number): Promise<CuttingAnswers> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let left = Number.POSITIVE_INFINITY;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk) => {
      if (matches.test(chunk.toString("latin1"))) left = bytes;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      const passed = chunk.subarray(0, Math.min(chunk.length, left));
      left -= passed.length;
      if (left > 0) client.write(passed);
      else {
        upstream.pause();
        cuts++;
        client.write(passed, () => client.resetAndDestroy());
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
