import { css, html, LitElement, nothing, svg } from "lit";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { icon } from "../design/icons.ts";
import { counted, number, size, words } from "../format.ts";
import type { BundleClient } from "../worker/client.ts";
import type { Inspection, TableSummary } from "../worker/protocol.ts";
import "./file-browser.ts";
import "./row-browser.ts";
import "./size-picture.ts";

type Tab = "tables" | "files" | "warnings";

/** What is inside: a picture of the bytes, every table with its rows, the files, the warnings. */
export class BundleContents extends LitElement {
  static override properties = {
    inspection: { attribute: false },
    client: { attribute: false },
    _tab: { state: true },
    _table: { state: true },
  };
  static override styles = [
    base,
    controls,
    css`
      holdall-picture {
        margin-top: 0.75rem;
      }

      [role="tablist"] {
        display: flex;
        gap: 1.25rem;
        margin: 1.25rem 0 0.25rem;
        border-bottom: 1px solid var(--_line);
      }

      [role="tab"] {
        min-height: 2.75rem;
        padding: 0.25rem 0;
        border: 0;
        border-bottom: 2px solid transparent;
        border-radius: 0;
        background: none;
        color: var(--_muted);
      }

      [role="tab"][aria-selected="true"] {
        border-bottom-color: var(--_accent);
        color: var(--_text);
      }

      [role="tabpanel"] {
        padding-top: 0.5rem;
      }

      table {
        width: 100%;
        border-collapse: collapse;
      }

      th,
      td {
        padding: 0.5rem 0.75rem;
        text-align: left;
        border-bottom: 1px solid var(--_line);
      }

      th:first-child,
      td:first-child {
        padding-left: 0;
      }

      thead th {
        color: var(--_muted);
        font-size: 0.8125rem;
        font-weight: 550;
      }

      tbody th {
        font-weight: 400;
      }

      .bar {
        width: 28%;
      }

      .bar svg {
        display: block;
        width: 100%;
        height: 0.5rem;
      }

      rect {
        fill: var(--_tables);
      }

      .number {
        white-space: nowrap;
        text-align: right;
      }

      ul {
        padding: 0.5rem 0 0 1.25rem;
      }

      @media (max-width: 34rem) {
        .bar {
          display: none;
        }
      }
    `,
  ];
  declare inspection: Inspection;
  declare client: BundleClient;
  declare _tab: Tab;
  declare _table: TableSummary | null;

  constructor() {
    super();
    this._tab = "tables";
    this._table = null;
  }

  override render() {
    const { tables, files, warnings } = this.inspection;
    const parts = [
      ...tables.map(({ name, bytes }) => ({ name: words(name), bytes, kind: "table" as const })),
      { name: "file contents", bytes: files.bytes, kind: "file" as const },
    ];
    return html`<h2>What is inside</h2>
      <p class="muted small">Unpacked bytes, by table and files.</p>
      <holdall-picture label="Bytes in the bundle" .parts=${parts}></holdall-picture>
      <div role="tablist" aria-label="Contents" @keydown=${this.#arrows}>
        ${this.#tab("tables", `Tables (${number(tables.length)})`)} ${this.#tab("files", `Files (${number(files.count)})`)}
        ${this.#tab("warnings", `Warnings (${number(warnings.length)})`)}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby=${`tab-${this._tab}`}>
        ${this._tab === "tables" ? this.#tables() : this._tab === "files" ? this.#files() : this.#warnings()}
      </div>
      ${
        this._table === null
          ? nothing
          : html`<holdall-rows
              .table=${this._table}
              .client=${this.client}
              @close=${() => {
                this._table = null;
              }}
            ></holdall-rows>`
      }`;
  }

  #tab(name: Tab, label: string) {
    const isChosen = name === this._tab;
    return html`<button
      role="tab"
      id=${`tab-${name}`}
      aria-selected=${isChosen}
      aria-controls="panel"
      tabindex=${isChosen ? 0 : -1}
      @click=${() => {
        this._tab = name;
      }}
    >
      ${label}
    </button>`;
  }

  #tables() {
    const { tables } = this.inspection;
    const most = Math.max(1, ...tables.map(({ bytes }) => bytes));
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Table</th>
          <th scope="col" class="number">Rows</th>
          <th scope="col" class="number">Bytes</th>
          <th scope="col" class="bar"><span class="visually-hidden">Share</span></th>
        </tr>
      </thead>
      <tbody>
        ${tables.map(
          (table) => html`<tr>
            <th scope="row">
              <button
                class="link"
                aria-label=${`Rows of ${words(table.name)}`}
                ?disabled=${table.rows === 0}
                @click=${() => {
                  this._table = table;
                }}
              >
                ${words(table.name)}
              </button>
            </th>
            <td class="number">${number(table.rows)}</td>
            <td class="number">${size(table.bytes)}</td>
            <td class="bar">
              <svg aria-hidden="true">${svg`<rect height="100%" rx="3" width=${`${(100 * table.bytes) / most}%`} />`}</svg>
            </td>
          </tr>`,
        )}
      </tbody>
    </table>`;
  }

  #files() {
    const { files } = this.inspection;
    const absent = files.external + files.missing + files.omitted;
    return html`${absent === 0 ? nothing : html`<p class="muted small">${counted(absent, "file")} without content in the bundle.</p>`}
      <holdall-files .client=${this.client} .count=${files.count + absent}></holdall-files>`;
  }

  #warnings() {
    const { warnings } = this.inspection;
    if (warnings.length === 0) return html`<p class="muted row">${icon("check")}The export had nothing to warn of.</p>`;
    return html`<ul>
      ${warnings.slice(0, 500).map((text) => html`<li>${text}</li>`)}
    </ul>`;
  }

  /** As the pattern for tabs has it: arrows move between them. */
  readonly #arrows = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const tabs: Tab[] = ["tables", "files", "warnings"];
    this._tab = tabs[(tabs.indexOf(this._tab) + step + tabs.length) % tabs.length]!;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${this._tab}`)?.focus());
  };
}

customElements.define("holdall-contents", BundleContents);
