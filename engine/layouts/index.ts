import type { Container } from "../container.ts";
import type { Layout } from "../layout.ts";
import { holdall } from "./holdall.ts";
import { nodewarden } from "./nodewarden/nodewarden.ts";

/** In the order in which they are asked; the last one says what is missing where none fits. */
const layouts: readonly Layout[] = [nodewarden, holdall];

export const layoutNames: readonly string[] = layouts.map(({ name }) => name);

export function layoutOf(container: Container): Layout {
  return layouts.find((layout) => layout.recognizes(container)) ?? holdall;
}

export function layoutNamed(name: string): Layout | undefined {
  return layouts.find((layout) => layout.name === name);
}
