/** The browser of the tests and benchmarks. */
export const chromiumPath = process.env["HOLDALL_TEST_CHROMIUM"] || "/usr/bin/chromium";

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
