import { test } from "vitest";

// Stands in for test/web where there is no Chromium (vite.config.ts), so that its absence is counted and explained.
test.skip("test/web: no Chromium here; install it, or name one with HOLDALL_TEST_CHROMIUM", () => {});
