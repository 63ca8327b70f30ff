import { randomBytes } from "node:crypto";
import { BackupError } from "../../engine/errors.ts";
import type { Admin } from "./backup-app.ts";
import { isOwnOrigin } from "./origin.ts";
import { sameText } from "./same-text.ts";
import { SessionCookie } from "./session-cookie.ts";

export interface AuthOptions {
  /** The bearer token; one is made where it is absent. */
  token?: string;
  /** The admin in whose name rows enter. */
  adminEmail?: string;
  now?: () => number;
}

/** Guessing it has to be hopeless without any count of attempts, which would let strangers lock the admin out. */
const leastTokenLength = 16;

/**
 * One admin, known by a bearer token (machines) or by the session cookie that the sign-in link gives (the page). A bearer
 * token is bound to no origin: no browser adds it of its own accord.
 */
export class Auth {
  readonly token: string;
  /** What the sign-in link carries: of no use as a token, and new with every start. */
  readonly signInKey = randomBytes(32).toString("base64url");
  readonly #admin: Admin;
  readonly #session: SessionCookie;

  /** @throws BackupError `REQUEST_INVALID` for a token that is too short. */
  constructor({ token, adminEmail, now }: AuthOptions = {}) {
    if (token !== undefined && token.length < leastTokenLength) {
      throw new BackupError(
        "REQUEST_INVALID",
        `the admin token needs at least ${leastTokenLength} characters; leave it out to have one made`,
      );
    }
    this.token = token ?? randomBytes(32).toString("base64url");
    this.#admin = adminEmail === undefined ? {} : { email: adminEmail };
    this.#session = new SessionCookie(now);
  }

  /** @throws BackupError `AUTH_FORBIDDEN` for a page of another origin that uses the admin's cookie. */
  readonly authorize = (request: Request): Admin | null => {
    const header = request.headers.get("authorization");
    if (header !== null) return this.#hasToken(header) ? this.#admin : null;
    if (!this.#session.holds(request)) return null;
    if (!isOwnOrigin(request)) throw new BackupError("AUTH_FORBIDDEN", "requests from another origin are refused");
    return this.#admin;
  };

  #hasToken(header: string): boolean {
    const [, given = ""] = /^bearer +(\S+)$/i.exec(header) ?? [];
    return sameText(given, this.token);
  }

  /** `/sign-in?key=…`: the session cookie, and on to the page. */
  readonly signIn = (request: Request): Response => {
    const key = new URL(request.url).searchParams.get("key") ?? "";
    const headers = new Headers({ "Cache-Control": "no-store" });
    if (!sameText(key, this.signInKey)) {
      headers.set("Content-Type", "text/plain; charset=utf-8");
      return new Response("This sign-in link is not valid. Use the one that the server printed when it last started.\n", {
        status: 403,
        headers,
      });
    }
    headers.set("Set-Cookie", this.#session.issue(request));
    headers.set("Location", "/");
    return new Response(null, { status: 303, headers });
  };
}
