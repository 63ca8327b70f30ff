import { css, html, nothing } from "lit";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { counted, size } from "../format.ts";
import type { Exported } from "../run-export.ts";

/** The file that was saved, and its SHA-256 to compare with later. */
export class ExportResult extends PageElement {
  static override properties = properties("result", "_copied");
  static override styles = [
    super.styles,
    css`
      .title {
        font: 600 0.9375rem / 1.4 var(--_font);
      }

      .hash {
        margin-top: 0.5rem;
      }

      .hash code {
        display: block;
        padding: 0.5rem 0.625rem;
        margin: 0.25rem 0 0.5rem;
        border-radius: var(--_radius-small);
        background: var(--_surface);
        word-break: break-all;
      }

      ul {
        margin-top: 0.5rem;
        padding-left: 1.125rem;
      }
    `,
  ];
  declare result: Exported;
  declare _copied: boolean;

  constructor() {
    super();
    this._copied = false;
  }

  override render() {
    const { name, size: bytes, sha256, rows, files, warnings } = this.result;
    return html`<div class="note good" role="status" tabindex="-1">
        ${icon("check")}
        <div>
          <h2 class="title">Exported ${size(bytes)}</h2>
          <p>${name}${rows === undefined ? "" : `: ${counted(rows, "row")}, ${counted(files ?? 0, "file")}`}</p>
          ${
            sha256 === undefined
              ? nothing
              : html`<div class="hash">
                  <span class="small muted">SHA-256 of the file</span>
                  <code>${sha256}</code>
                  <button @click=${this.#copy}>${this._copied ? "Copied" : "Copy"}</button>
                </div>`
          }
        </div>
      </div>
      ${
        warnings.length === 0
          ? nothing
          : html`<div class="note warn">
              ${icon("warn")}
              <div>
                <h2 class="title">${counted(warnings.length, "warning")}</h2>
                <ul>
                  ${warnings.slice(0, 50).map((text) => html`<li>${text}</li>`)}
                </ul>
              </div>
            </div>`
      }`;
  }

  override firstUpdated() {
    this.renderRoot.querySelector<HTMLElement>(".note")?.focus();
  }

  readonly #copy = async () => {
    await navigator.clipboard.writeText(this.result.sha256!);
    this._copied = true;
  };
}

customElements.define("holdall-export-result", ExportResult);
