import { lstat, mkdir, open, realpath } from "node:fs/promises";
import { join } from "node:path";

/** A symbolic link may lead out of the store: none is followed below its folder. */
export class LinkInPath extends Error {
  override readonly name = "LinkInPath";
}

/** Whether `segments` lead to something below `root`. */
export async function leads(root: string, segments: readonly string[]): Promise<boolean> {
  const path = join(root, ...segments);
  const real = await realpath(path).catch(absent);
  if (real !== null && real !== path) throw new LinkInPath(`${path} is reached through a symbolic link`);
  return real !== null;
}

/** Makes the folders, each on its own: a recursive mkdir would follow a link. False where one of them is a file. */
export async function makeFolders(root: string, segments: readonly string[]): Promise<boolean> {
  if (await leads(root, segments)) return (await lstat(join(root, ...segments))).isDirectory();
  let path = root;
  for (const segment of segments) {
    const parent = path;
    path = join(parent, segment);
    if (await makeFolder(path)) {
      await syncFolder(parent);
      continue;
    }
    const info = await lstat(path);
    if (info.isSymbolicLink()) throw new LinkInPath(`${path} is a symbolic link`);
    if (!info.isDirectory()) return false;
  }
  return true;
}

/** False where the name is taken. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** A new name survives a power cut only once its folder is written. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "";
}

/** For `.catch`: nothing has that name. */
export function absent(error: unknown): null {
  // ENOTDIR: a file stands where the path has a folder.
  if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return null;
  throw error;
}
