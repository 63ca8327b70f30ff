import { connect, type NetConnectOpts, type Socket } from "node:net";

/** Where a server listens: a TCP address, or the path of a Unix socket. */
export interface Place {
  host?: string;
  port?: number;
  path?: string;
}

/**
 * A connected socket for the library, which itself leaves Nagle's algorithm on: the last packet of every COPY then waits tens of
 * milliseconds for an acknowledgement.
 */
export function openSocket(place: Place): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...place, noDelay: true, timeout: 10_000 } as NetConnectOpts);
    socket.once("connect", () => {
      socket.removeAllListeners().setTimeout(0);
      // By its name the library asks for, and checks, the certificate.
      resolve(Object.assign(socket, place));
    });
    socket.once("error", reject);
    socket.once("timeout", () => socket.destroy(new Error("connecting took more than ten seconds")));
  });
}
