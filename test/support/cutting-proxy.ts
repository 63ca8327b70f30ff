import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A connection in between that counts what goes up and breaks at the bytes that it is told. */
export interface CuttingProxy {
  port: number;
  /** Bytes that went up so far, headers included. */
  sent(): number;
  cuts(): number;
  close(): Promise<void>;
}

/**
 * Breaks the connection on which the bytes sent in all reach one of `cutsAt`, which are in ascending order. What is asked for by GET is
 * let through: the page itself comes this way, and nobody would load it again where a cut met it.
 */
export async function cuttingProxy(target: URL, cutsAt: number[]): Promise<CuttingProxy> {
  const waiting = [...cutsAt];
  const sockets = new Set<Socket>();
  let [sent, cuts] = [0, 0];
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.pipe(client);
    client.on("data", (chunk) => {
      const isGet = chunk.subarray(0, 4).toString("latin1") === "GET ";
      const room = isGet ? Number.POSITIVE_INFINITY : Math.max(0, (waiting[0] ?? Number.POSITIVE_INFINITY) - sent);
      const passed = chunk.subarray(0, Math.min(chunk.length, room));
      sent += passed.length;
      if (!upstream.write(passed)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
      if (passed.length === room) {
        waiting.shift();
        cuts++;
        for (const socket of [client, upstream]) socket.resetAndDestroy();
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    cuts: () => cuts,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
