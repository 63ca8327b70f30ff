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

/** Asks whoever is around to show something else. With `replace` the browser's Back does not lead back here. */
export interface Move {
  to: readonly string[];
  how: "push" | "replace" | "up";
}

/** `up` leaves what was opened: by Back where it was opened from here, else to the address above. */
export function go(element: Element, how: Move["how"], ...to: string[]): void {
  const detail: Move = { to, how };
  element.dispatchEvent(new CustomEvent("holdall-move", { detail, bubbles: true, composed: true }));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
