const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a browser sent this request from a page of our own. SameSite=Strict is not enough: for it, every port of a host is
 * the same site. Browsers name the origin of every state-changing request, so that one that names none is refused.
 */
export function isOwnOrigin(request: Request): boolean {
  if (safeMethods.has(request.method)) return true;
  const site = request.headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") return false;
  const origin = request.headers.get("origin");
  if (origin === null) return site === "same-origin";
  // By host and port alone: behind a proxy that ends TLS, the scheme is not known here.
  return URL.canParse(origin) && new URL(origin).host === ownHost(request);
}

function ownHost(request: Request): string {
  return (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
}
