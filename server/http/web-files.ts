import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
};

/** Names that a build gives; no other, so that no path leads out of the folder. */
const known = /^\/(?:assets\/)?\w[\w-]*(?:\.[\w-]+)+$/;
const builtPage = fileURLToPath(new URL("../../dist/web", import.meta.url));

export interface WebFilesOptions {
  /** Of the built page; what `npm run build` makes, where absent. */
  folder?: string;
  /** The path in front of every file, such as `/holdall`; none where absent. */
  mount?: string;
}

/** The built page: `/` and the files beside it, among them `holdall-backup.js` for pages that embed the element. */
export function webFiles({ folder = builtPage, mount = "" }: WebFilesOptions = {}): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(mount)) return text(404, "Not found\n");
    const below = pathname.slice(mount.length);
    const path = below === "/" || below === "" ? "/index.html" : below;
    const type = types[extname(path)];
    const body = known.test(path) && type !== undefined ? await readFile(join(folder, path)).catch(() => null) : null;
    if (body !== null) return new Response(body, { headers: { "Content-Type": type!, "Cache-Control": cacheOf(path) } });
    return path === "/index.html" ? text(503, "The page is not built. Run: npm run build\n") : text(404, "Not found\n");
  };
}

/** Vite puts a hash of the content into the name of every asset. */
function cacheOf(path: string): string {
  return path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" } });
}
