import { css, html, nothing } from "lit";
import { PageElement } from "../design/page-element.ts";
import { counted, date, size, words } from "../format.ts";
import type { Inspection } from "../worker/protocol.ts";

/** What a bundle says it is; nothing of it is verified here. */
export class BundleHead extends PageElement {
  static override properties = { inspection: { attribute: false } };
  static override styles = [
    super.styles,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        align-items: flex-start;
        gap: 0.5rem 1rem;
      }

      header > div {
        min-width: 0;
        flex: 1 1 16rem;
      }

      h2 {
        font-size: 1.375rem;
      }

      dl {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(9rem, 42%), 1fr));
        gap: 0.875rem 1.5rem;
        margin: 1.125rem 0 0;
      }

      dt {
        color: var(--_muted);
        font-size: 0.8125rem;
      }

      dd {
        font-weight: 550;
      }

      .options {
        margin-top: 1rem;
        gap: 0.375rem;
      }
    `,
  ];
  declare inspection: Inspection;

  override render() {
    const { name, app, createdAt, container, layout, size: bytes, files, tables, options, thin } = this.inspection;
    const kind = `${layout === "holdall" ? "" : `${words(layout)}, `}${container}${thin ? ", thin" : ""}`;
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    return html`<header>
        <div>
          <p class="muted small">This bundle says it is</p>
          <h2>${app.name} ${app.version}, ${date(createdAt)}</h2>
          <p class="muted mono">${name}</p>
        </div>
        <slot></slot>
      </header>
      <dl>
        <div><dt>Size</dt><dd>${size(bytes)} <span class="muted">${kind}</span></dd></div>
        <div><dt>Unpacked</dt><dd>${size(this.inspection.bytes)}</dd></div>
        <div><dt>Rows</dt><dd>${counted(rows, "row")} in ${counted(tables.length, "table")}</dd></div>
        <div><dt>Files</dt><dd>${counted(files.count, "file")}${files.bytes > 0 ? ` (${size(files.bytes)})` : ""}</dd></div>
      </dl>
      ${
        Object.keys(options).length === 0
          ? nothing
          : html`<div class="row options">
              ${Object.entries(options).map(
                ([option, isOn]) =>
                  html`<span class=${`chip ${isOn ? "on" : ""}`}>${isOn ? "with" : "without"} ${words(option.replace(/^include_/, ""))}</span>`,
              )}
            </div>`
      }`;
  }
}

customElements.define("holdall-head", BundleHead);
