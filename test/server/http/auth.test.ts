import { expect, test } from "vitest";
import { BackupError } from "../../../engine/errors.ts";
import { Auth } from "../../../server/http/auth.ts";

const origin = "http://127.0.0.1:8080";
const request = (headers: Record<string, string>, method = "GET", path = "/") =>
  new Request(`${origin}${path}`, { method, headers: { host: "127.0.0.1:8080", ...headers } });

function signedIn(auth: Auth, headers: Record<string, string> = {}): string {
  const response = auth.signIn(request(headers, "GET", `/sign-in?key=${auth.signInKey}`));
  expect(response.status).toBe(303);
  return response.headers.get("set-cookie")!;
}

const cookieOf = (setCookie: string) => setCookie.split(";")[0]!;

test("a bearer token is the admin's, whole and alone", () => {
  const auth = new Auth({ token: "sixteen-letters-", adminEmail: "admin@easm.example" });
  const authorize = (authorization: string) => auth.authorize(request({ authorization }));
  expect(authorize("Bearer sixteen-letters-")).toEqual({ email: "admin@easm.example" });
  expect(authorize("bearer sixteen-letters-")).not.toBeNull();
  for (const wrong of [
    "Bearer sixteen-letters",
    "Bearer sixteen-letters-x",
    "Bearer ",
    "sixteen-letters-",
    "Basic sixteen-letters-",
  ]) {
    expect(authorize(wrong), wrong).toBeNull();
  }
  expect(auth.authorize(request({}))).toBeNull();
});

test("a token is made where none is given, and a short one is refused", () => {
  expect(new Auth().token).toMatch(/^[\w-]{43}$/);
  expect(new Auth().token).not.toBe(new Auth().token);
  expect(() => new Auth({ token: "short" })).toThrow(BackupError);
});

test("the sign-in link gives a session, and nothing else does", () => {
  const auth = new Auth();
  const setCookie = signedIn(auth);
  expect(setCookie).toMatch(/; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  expect(auth.authorize(request({ cookie: cookieOf(setCookie) }))).toEqual({});
  for (const key of ["", "x", auth.token]) {
    const response = auth.signIn(request({}, "GET", `/sign-in?key=${key}`));
    expect(response.status).toBe(403);
    expect(response.headers.get("set-cookie")).toBeNull();
  }
});

test("a session is of one server, signed, and ends after twelve hours", () => {
  let now = Date.UTC(2026, 0, 1);
  const auth = new Auth({ now: () => now });
  const cookie = cookieOf(signedIn(auth));
  const [name, value] = cookie.split("=") as [string, string];
  const [expires, nonce, signature] = value.split(".");
  expect(new Auth().authorize(request({ cookie }))).toBeNull();
  expect(auth.authorize(request({ cookie: `${name}=${Number(expires) + 1}.${nonce}.${signature}` }))).toBeNull();
  expect(auth.authorize(request({ cookie: `${name}=${value.slice(0, -1)}` }))).toBeNull();
  expect(auth.authorize(request({ cookie: `${name}=` }))).toBeNull();
  now += 12 * 3600_000 - 1000;
  expect(auth.authorize(request({ cookie }))).not.toBeNull();
  now += 1000;
  expect(auth.authorize(request({ cookie }))).toBeNull();
});

test("a wrong bearer token is not made good by a cookie", () => {
  const auth = new Auth();
  const cookie = cookieOf(signedIn(auth));
  expect(auth.authorize(request({ cookie, authorization: "Bearer wrong" }))).toBeNull();
});

test("cookies of two servers on one machine have two names, and TLS makes them Secure", () => {
  expect(cookieOf(signedIn(new Auth()))).toMatch(/^holdall_session_8080=/);
  expect(signedIn(new Auth(), { "x-forwarded-proto": "https" })).toMatch(/; Secure$/);
  expect(signedIn(new Auth())).not.toMatch(/Secure/);
});

test.each<[string, Record<string, string>, boolean]>([
  ["our own page", { origin, "sec-fetch-site": "same-origin" }, true],
  ["our own page in a browser without Sec-Fetch-Site", { origin }, true],
  ["our own page behind a proxy that ends TLS", { origin: "https://127.0.0.1:8080" }, true],
  ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }, false],
  ["another site in an old browser", { origin: "https://evil.example" }, false],
  ["another port, which is the same site", { origin: "http://127.0.0.1:3000", "sec-fetch-site": "same-site" }, false],
  ["a sandboxed frame", { origin: "null" }, false],
  ["a stranger who claims our origin", { origin, "sec-fetch-site": "cross-site" }, false],
  ["nobody", {}, false],
])("a state-changing request with the cookie from %s", (_name, headers, allowed) => {
  const auth = new Auth();
  const cookie = cookieOf(signedIn(auth));
  const post = () => auth.authorize(request({ cookie, ...headers }, "POST"));
  if (allowed) expect(post()).toEqual({});
  else expect(post).toThrow(expect.objectContaining({ code: "AUTH_FORBIDDEN" }));
  expect(auth.authorize(request({ cookie, ...headers }))).toEqual({});
  const authorization = `Bearer ${auth.token}`;
  expect(auth.authorize(request({ authorization, ...headers }, "POST"))).toEqual({});
});
