import { css, html } from "lit";
import { icon } from "../design/icons.ts";
import { PageElement } from "../design/page-element.ts";
import { number } from "../format.ts";
import { fieldsOf } from "../json-fields.ts";

/** Every field of one row, in full. */
export class RowDetail extends PageElement {
  static override properties = { index: { type: Number }, json: {} };
  static override styles = [
    super.styles,
    css`
      :host {
        overflow: auto;
        background: var(--_surface);
      }

      header {
        position: sticky;
        top: 0;
        display: flex;
        align-items: center;
        justify-content: space-between;
        padding: 0.5rem 0.75rem 0.5rem 1.25rem;
        background: var(--_surface);
        border-bottom: 1px solid var(--_line);
      }

      dl {
        padding: 0.75rem 1.25rem 1.5rem;
      }

      dt {
        margin-top: 0.625rem;
        color: var(--_muted);
        font-size: 0.8125rem;
      }

      dd {
        white-space: pre-wrap;
      }

      .null {
        color: var(--_muted);
        font-style: italic;
      }

      pre {
        margin: 0;
        padding: 1rem 1.25rem;
        white-space: pre-wrap;
        font: 0.8125rem / 1.5 var(--_mono);
      }
    `,
  ];
  declare index: number;
  declare json: string;

  constructor() {
    super();
    this.json = "";
  }

  override render() {
    const fields = fieldsOf(this.json);
    return html`<header>
        <h3>Row ${number(this.index + 1)}</h3>
        <button class="plain" aria-label="Close the row" @click=${() => this.dispatchEvent(new Event("close"))}>${icon("cross")}</button>
      </header>
      ${
        fields === null
          ? html`<pre>${this.json === "" ? "Loading …" : this.json}</pre>`
          : html`<dl>
              ${fields.map(
                ({ name, text, kind }) =>
                  html`<dt>${name}</dt>
                    <dd class=${kind}>${kind === "null" ? "null" : text === "" ? "(empty)" : text}</dd>`,
              )}
            </dl>`
      }`;
  }
}

customElements.define("holdall-detail", RowDetail);
