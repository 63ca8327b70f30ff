import { hashOf, type Move, parseRoute, type Route } from "./route.ts";

/** What marks entries of the browser's history that this page has made: the hash that Back leads to. */
interface OwnEntry {
  holdall: string;
}

/** A Back that has been asked for and has not arrived: browsers take their time, and people go on meanwhile. */
interface Leaving {
  from: string;
  to: string;
  /** Where to go from there. */
  next?: string;
  /** By `performance.now()`. */
  since: number;
}

/** Milliseconds after which a Back that has not arrived is taken for one that the browser has dropped. */
const given = 5000;

/** The address of the page around as a route: `show` is told of each one, those that moves lead to among them. */
export class Address {
  readonly #show: (route: Route) => void;
  #leaving: Leaving | null = null;

  constructor(show: (route: Route) => void) {
    this.#show = show;
  }

  connect(): void {
    addEventListener("hashchange", this.#follow);
    addEventListener("popstate", this.#follow);
    this.#follow();
  }

  disconnect(): void {
    removeEventListener("hashchange", this.#follow);
    removeEventListener("popstate", this.#follow);
  }

  move({ to, how }: Move): void {
    const hash = hashOf(to);
    const leaving = this.#underWay();
    if (leaving !== null) {
      if (how !== "up") leaving.next = hash;
    } else if (how === "up" && isOwn(history.state)) {
      this.#leaving = { from: location.hash, to: history.state.holdall, since: performance.now() };
      history.back();
    } else {
      const entry: OwnEntry = { holdall: location.hash };
      if (how === "push") history.pushState(entry, "", hash);
      else history.replaceState(how === "up" ? null : history.state, "", hash);
      this.#follow();
    }
  }

  readonly #follow = () => {
    const leaving = this.#underWay();
    if (location.hash === leaving?.to) this.#arrived(leaving);
    else if (leaving !== null && location.hash !== leaving.from) leaving.next = location.hash;
    const route = parseRoute(location.hash);
    // Back to the address without any is back to the beginning.
    if (route !== null || location.hash === "") this.#show(route ?? { page: "export", rest: [] });
  };

  /** Whatever was asked for after Back comes after it. */
  #arrived({ to, next = to }: Leaving) {
    this.#leaving = null;
    const entry: OwnEntry = { holdall: to };
    if (next !== to) history.pushState(entry, "", next);
  }

  #underWay(): Leaving | null {
    if (this.#leaving !== null && performance.now() - this.#leaving.since > given) this.#leaving = null;
    return this.#leaving;
  }
}

function isOwn(state: unknown): state is OwnEntry {
  return typeof (state as OwnEntry | null)?.holdall === "string";
}
