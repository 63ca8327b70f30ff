import { existsSync } from "node:fs";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { chromiumFlags, chromiumPath } from "./test/support/chromium.ts";

const testing = process.env["VITEST"] !== undefined;
/** Under CI a missing browser fails the run; elsewhere it is a skip with its reason. */
const hasBrowser = process.env["CI"] === "true" || existsSync(chromiumPath);

const node: TestProjectConfiguration = {
  test: {
    name: "node",
    environment: "node",
    include: ["test/engine/**/*.test.ts", "test/server/**/*.test.ts"],
    globalSetup: ["test/support/services.ts"],
    testTimeout: 30_000,
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
  // The corpus of archives lies beside the repository.
  server: { fs: { allow: [".", "../shared/corpus"] } },
  test: {
    name: "browser",
    include: ["test/web/**/*.test.ts"],
    testTimeout: 60_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      api: { host: "127.0.0.1" },
      provider: playwright({ launchOptions: { executablePath: chromiumPath, args: chromiumFlags } }),
      instances: [{ browser: "chromium" }],
    },
  },
};

export default defineConfig({
  // The page is built from web/; tests are found from here.
  ...(testing ? {} : { root: "web" }),
  build: { outDir: "../dist/web", emptyOutDir: true, target: "es2023" },
  worker: { format: "es" },
  test: {
    projects: hasBrowser ? [checks, node, browser] : [checks, node],
    reporters: ["default", "./test/support/summary-reporter.ts"],
    // Stopping a real S3 server takes seconds.
    teardownTimeout: 60_000,
  },
});
