import { css, html, nothing, svg } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { counted, number, size, words } from "../format.ts";
import { go, leave } from "../route.ts";
import type { BundleClient } from "../worker/client.ts";
import type { Inspection } from "../worker/protocol.ts";
import "./file-browser.ts";
import "./row-browser.ts";
import "./size-picture.ts";

type Tab = "tables" | "files" | "warnings";

/** What is inside: a picture of the bytes, every table with its rows, the files, the warnings. */
export class BundleContents extends PageElement {
  static override properties = properties("inspection client route");
  static override styles = [
    super.styles,
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

      .note {
        margin-top: 1rem;
      }

      ul {
        padding: 0.5rem 0 0 1.25rem;
      }

      @media (max-width: 34rem) {
        [role="tablist"] {
          gap: 1rem;
        }

        [role="tab"] {
          font-size: 0.875rem;
          white-space: nowrap;
        }

        .bar {
          display: none;
        }
      }
    `,
  ];
  declare inspection: Inspection;
  declare client: BundleClient;
  /** What of it is open; what lies elsewhere, such as a plan, is none of it. */
  declare route: readonly string[] | undefined;

  get #tab(): Tab {
    const [what] = this.route ?? [];
    return what === "files" || what === "warnings" ? what : "tables";
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
        ${this.#choice("tables", `Tables (${number(tables.length)})`)} ${this.#choice("files", `Files (${number(files.count)})`)}
        ${this.#choice("warnings", `Warnings (${number(warnings.length)})`)}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby=${`tab-${this.#tab}`}>
        ${this.#tab === "tables" ? this.#tables() : this.#tab === "files" ? this.#files() : this.#warnings()}
      </div>
      ${this.#rows()}`;
  }

  #rows() {
    const [what, name, row] = this.route ?? [];
    if (what !== "rows" || name === undefined) return nothing;
    const table = this.inspection.tables.find((known) => known.name === name);
    if (table === undefined) {
      return html`<div class="note warn" role="status">${icon("warn")}<p>This bundle has no table “${name}”, which the address asks for.</p></div>`;
    }
    return keyed(
      name,
      html`<holdall-rows
        .table=${table}
        .client=${this.client}
        .row=${Number(row) || null}
        @close=${() => leave(this, ["import", "rows", name], ["import"])}
      ></holdall-rows>`,
    );
  }

  #choice(name: Tab, label: string) {
    const isChosen = name === this.#tab;
    return html`<button
      role="tab"
      id=${`tab-${name}`}
      aria-selected=${isChosen}
      aria-controls="panel"
      tabindex=${isChosen ? 0 : -1}
      @click=${() => this.#show(name)}
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
                @click=${() => go(this, "push", "import", "rows", table.name)}
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
      <holdall-files .client=${this.client} .count=${files.count + absent} .file=${this.route?.[1]}></holdall-files>`;
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
    const next = tabs[(tabs.indexOf(this.#tab) + step + tabs.length) % tabs.length]!;
    this.#show(next);
    this.renderRoot.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };

  #show(tab: Tab) {
    go(this, "push", ...(tab === "tables" ? ["import"] : ["import", tab]));
  }
}

customElements.define("holdall-contents", BundleContents);
