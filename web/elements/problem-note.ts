import { css, html, nothing } from "lit";
import { icon } from "../design/icons.ts";
import { PageElement } from "../design/page-element.ts";
import { failureText } from "../failure-text.ts";

/** A failure: what it means, what was found, what to do. It takes the focus, so that nobody misses it. */
export class ProblemNote extends PageElement {
  static override properties = { error: { attribute: false } };
  static override styles = [
    super.styles,
    css`
      .title {
        font: 600 0.9375rem / 1.4 var(--_font);
        color: var(--_bad);
      }

      p {
        margin-top: 0.25rem;
      }

      code {
        display: inline-block;
        margin-top: 0.5rem;
        color: var(--_muted);
      }
    `,
  ];
  declare error: unknown;

  override willUpdate() {
    // Without a failure it takes no place, not even a gap.
    this.hidden = this.error === undefined || this.error === null;
  }

  override render() {
    if (this.error === undefined || this.error === null) return nothing;
    const { title, detail, code, advice } = failureText(this.error);
    return html`<div class="note bad" role="alert" tabindex="-1">
      ${icon("stop")}
      <div>
        <h2 class="title">${title}</h2>
        <p>${capital(detail)}</p>
        ${advice ? html`<p><strong>What to do:</strong> ${advice}.</p>` : nothing}
        ${code ? html`<code>${code}</code>` : nothing}
        <slot></slot>
      </div>
    </div>`;
  }

  override updated() {
    this.renderRoot.querySelector<HTMLElement>('[role="alert"]')?.focus();
  }
}

/** A sentence begins with a capital letter; a path or a name that it begins with stays as it is. */
function capital(text: string): string {
  return /^[a-z]+[ ,;]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

customElements.define("holdall-problem", ProblemNote);
