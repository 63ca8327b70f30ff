import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

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

/** The built page: `/` and the files beside it. */
export function webFiles(folder: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === "/" ? "/index.html" : pathname;
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
