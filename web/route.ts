/** Where the page stands: a page by its name, and what of it is open, such as `["rows", "assets", "300"]`. */
export interface Route {
  page: string;
  rest: readonly string[];
}

/** `#/import/rows/assets`; `null` for an address that names nothing, such as none at all or an anchor of the page around. */
export function parseRoute(hash: string): Route | null {
  if (!/^#\/./.test(hash)) return null;
  const [page = "", ...rest] = hash.slice(2).split("/").map(decoded);
  return { page, rest: rest.filter((part) => part !== "") };
}

export function hashOf(parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Whether the route is this address or one below it. */
export function isWithin({ page, rest }: Route, address: readonly string[]): boolean {
  const parts = [page, ...rest];
  return address.every((part, i) => part === parts[i]);
}

/**
 * Asks whoever is around to show something else. With `replace` the browser's Back does not lead back here; `up` leaves what was
 * opened at `from`: by Back where it was opened from here, else to the address above.
 */
export type Move = { to: readonly string[] } & ({ how: "push" | "replace" } | { how: "up"; from: readonly string[] });

export function go(element: Element, how: "push" | "replace", ...to: string[]): void {
  ask(element, { how, to });
}

/** Nothing happens where `from` is no longer what is open. */
export function leave(element: Element, from: readonly string[], to: readonly string[]): void {
  ask(element, { how: "up", from, to });
}

function ask(element: Element, detail: Move): void {
  element.dispatchEvent(new CustomEvent("holdall-move", { detail, bubbles: true, composed: true }));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
