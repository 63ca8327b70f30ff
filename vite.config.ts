import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { bundledWorkers } from "./test/support/bundled-workers.ts";
import { chromiumFlags, chromiumPath } from "./test/support/chromium.ts";
import { readCorpus, readSample } from "./test/support/corpus-command.ts";

const testing = process.env["VITEST"] !== undefined;
/** Under CI a missing browser fails the run; elsewhere it is a skip with its reason. */
const hasBrowser = process.env["CI"] === "true" || existsSync(chromiumPath);

const node: TestProjectConfiguration = {
  test: {
    name: "node",
    environment: "node",
    // What files share is loaded once a worker: loading it takes longer than most of them.
    isolate: false,
    // The built page is driven from Node, which has the server and its database at hand.
    include: ["test/engine/**/*.test.ts", "test/server/**/*.test.ts", "test/web/page/**/*.test.ts"],
    globalSetup: ["test/support/services.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
};

const checks: TestProjectConfiguration = {
  test: {
    name: "checks",
    environment: "node",
    include: ["test/checks/*.test.ts", ...(hasBrowser ? [] : ["test/support/no-browser.test.ts"])],
    testTimeout: 300_000,
  },
};

const browser: TestProjectConfiguration = {
  plugins: [bundledWorkers()],
  // Bundled Workers lie among temporary files.
  server: { fs: { allow: [".", tmpdir()] } },
  test: {
    name: "browser",
    include: ["test/web/*.test.ts"],
    testTimeout: 60_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      api: { host: "127.0.0.1" },
      // A test asks for garbage to be collected.
      provider: playwright({
        launchOptions: { executablePath: chromiumPath, args: [...chromiumFlags, "--js-flags=--expose-gc"] },
      }),
      instances: [{ browser: "chromium" }],
      commands: { readCorpus, readSample },
    },
  },
};

export default defineConfig({
  // The page is built from web/; tests are found from here.
  ...(testing ? {} : { root: "web" }),
  // Relative, so that the element works wherever an embedding application serves these files.
  base: "./",
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2023",
    rolldownOptions: {
      input: {
        index: join(import.meta.dirname, "web/index.html"),
        example: join(import.meta.dirname, "web/example.html"),
        "holdall-backup": join(import.meta.dirname, "web/elements/holdall-backup.ts"),
      },
      // The element has a name of its own for those who embed it.
      output: { entryFileNames: ({ name }) => (name === "holdall-backup" ? "[name].js" : "assets/[name]-[hash].js") },
      preserveEntrySignatures: "allow-extension",
    },
  },
  worker: { format: "es" },
  test: {
    projects: hasBrowser ? [checks, node, browser] : [checks, node],
    reporters: ["default", "./test/support/summary-reporter.ts"],
    // Much of the time goes by waiting for PostgreSQL, which has a core to itself otherwise.
    maxWorkers: 2,
    // Stopping a real S3 server takes seconds.
    teardownTimeout: 60_000,
  },
});
