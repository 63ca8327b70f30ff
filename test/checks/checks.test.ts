import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");

/** As tests, so that a type or format error is counted and fails the run like everything else. */
test.each([
  ["types of server and test", "tsc", ["-p", "."]],
  ["types of engine", "tsc", ["-p", "engine"]],
  ["types of web", "tsc", ["-p", "web"]],
  ["lint and format", "biome", ["check", "--error-on-warnings"]],
])("%s", (_name, program, args) => {
  const { status, stdout, stderr, error } = spawnSync(join(root, "node_modules", ".bin", program), args, {
    cwd: root,
    encoding: "utf8",
  });
  expect(error).toBeUndefined();
  expect(status, `${stdout}${stderr}`).toBe(0);
});
