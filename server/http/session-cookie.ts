import { createHmac, randomBytes } from "node:crypto";
import { parse } from "hono/utils/cookie";
import { sameText } from "./same-text.ts";

const lifetime = 12 * 60 * 60;

/**
 * Sessions without a memory: what the cookie says is signed with a key that lives as long as the process. Browsers send a
 * host's cookies to every port of it, so that the name carries the port: two servers on one machine do not sign each other out.
 */
export class SessionCookie {
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The value of a `Set-Cookie` header. */
  issue(request: Request): string {
    const content = `${Math.floor(this.#now() / 1000) + lifetime}.${randomBytes(16).toString("base64url")}`;
    const attributes = ["Path=/", `Max-Age=${lifetime}`, "HttpOnly", "SameSite=Strict", ...(isSecure(request) ? ["Secure"] : [])];
    return [`${nameFor(request)}=${content}.${this.#sign(content)}`, ...attributes].join("; ");
  }

  holds(request: Request): boolean {
    const name = nameFor(request);
    const value = parse(request.headers.get("cookie") ?? "", name)[name] ?? "";
    const [expires = "", nonce = "", signature = ""] = value.split(".");
    const genuine = sameText(signature, this.#sign(`${expires}.${nonce}`));
    return genuine && Number(expires) > this.#now() / 1000;
  }

  #sign(content: string): string {
    return createHmac("sha256", this.#key).update(content).digest("base64url");
  }
}

function nameFor(request: Request): string {
  return `holdall_session_${new URL(request.url).port || "default"}`;
}

/** A proxy that ends TLS says so; whoever forges it only denies the cookie to himself. */
function isSecure(request: Request): boolean {
  return new URL(request.url).protocol === "https:" || request.headers.get("x-forwarded-proto") === "https";
}
