interface Port {
  postMessage(message: null, transfer: ArrayBuffer[]): void;
}

let nowhere: Port | undefined;
/** A message costs as much as what it frees; few buffers wait for one. */
const together = 8;
const waiting: ArrayBuffer[] = [];

/**
 * Gives the memory of bytes back soon that nobody looks at any more, instead of when garbage is collected: until then every piece takes
 * fresh memory, and touching that for the first time takes many times longer than inflating into it. What is posted to a port whose other
 * end is closed is dropped; detaching alone frees nothing that the browser itself has made, and hides it from the collector.
 */
export function release(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (byteLength === 0 || byteLength !== buffer.byteLength) return;
  waiting.push(buffer as ArrayBuffer);
  if (waiting.length < together) return;
  nowhere ??= portToNowhere();
  nowhere.postMessage(null, waiting.splice(0));
}

function portToNowhere(): Port {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
}
