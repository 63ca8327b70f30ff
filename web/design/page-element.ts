import { LitElement, type PropertyDeclaration } from "lit";
import { base } from "./base.ts";
import { controls } from "./controls.ts";

/** What the elements of the page have in common: `static override styles = [super.styles, css`…`]`. */
export class PageElement extends LitElement {
  static override styles: LitStyles = [base, controls];
}

type LitStyles = NonNullable<typeof LitElement.styles>;

/** Declarations of properties by their names: those that are given from outside, never as attributes, and the element's own state. */
export function properties(given: string, state = ""): Record<string, PropertyDeclaration> {
  const all = (names: string, how: PropertyDeclaration) =>
    names
      .split(" ")
      .filter((name) => name !== "")
      .map((name) => [name, how] as const);
  return Object.fromEntries([...all(given, { attribute: false }), ...all(state, { state: true })]);
}
