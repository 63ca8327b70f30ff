type Child = Node | string | null | undefined | false;
type Properties = Record<string, string | boolean | EventListener | undefined>;

/**
 * Makes an element. Text becomes text nodes and never HTML: what a bundle says is shown, whatever it says. Properties are
 * attributes, but for functions, which listen.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

let ids = 0;
export const newId = (prefix: string) => `${prefix}-${++ids}`;

/** A checkbox or radio button with its label and what it means. */
export function choice(input: HTMLInputElement, label: string, description: string): HTMLElement {
  input.id = newId("choice");
  const note = el("p", { id: `${input.id}-note`, class: "note" }, description);
  input.setAttribute("aria-describedby", note.id);
  return el("div", { class: "choice" }, input, el("div", {}, el("label", { for: input.id }, label), note));
}

/** A heading and what belongs to it. */
export function card(title: string, ...children: Child[]): HTMLElement {
  const id = newId("card");
  return el("section", { class: "card", "aria-labelledby": id }, el("h2", { id }, title), ...children);
}

export function facts(pairs: [name: string, value: string][]): HTMLElement {
  return el("dl", { class: "facts" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** Says what goes on, to screen readers as well. */
export class Status {
  readonly element = el("p", { class: "status", role: "status" });
  readonly bar = el("progress", { hidden: true, "aria-label": "Progress" });
  readonly box = el("div", { class: "progress" }, this.bar, this.element);

  say(text: string, part?: number): void {
    this.element.textContent = text;
    this.bar.hidden = false;
    if (part === undefined) this.bar.removeAttribute("value");
    else this.bar.value = part;
  }

  done(text = ""): void {
    this.element.textContent = text;
    this.bar.hidden = true;
  }
}
