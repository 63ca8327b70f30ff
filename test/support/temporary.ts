import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Folders for one test file, removed after its last test: `const temporaryFolder = useTemporaryFolders();` at its top. */
export function useTemporaryFolders(): () => Promise<string> {
  const made: string[] = [];
  afterAll(async () => {
    for (const folder of made) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdall-test-"));
    made.push(folder);
    // PostgreSQL, which does not run as root, has to get through.
    await chmod(folder, 0o711);
    return folder;
  };
}
