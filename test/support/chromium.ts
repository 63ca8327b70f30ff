import { existsSync } from "node:fs";

const [shell, whole] = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"] as const;
const named = process.env["HOLDALL_TEST_CHROMIUM"];

/** The browser of the benchmarks: the one that people have. */
export const wholeChromiumPath = named || whole;

/** The browser of the tests: the same one without windows where it is installed, which takes a third less of the processor. */
export const chromiumPath = named || (existsSync(shell) ? shell : whole);

export const chromiumFlags = [
  // Chromium's sandbox refuses root, as which a container runs.
  "--no-sandbox",
  "--disable-gpu",
  // Nothing in a test needs the network beyond loopback.
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
