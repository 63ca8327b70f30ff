import { css, html, LitElement, nothing } from "lit";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { number, percent, words } from "../format.ts";
import { fieldsOf } from "../json-fields.ts";
import type { BundleClient } from "../worker/client.ts";
import type { TableSummary, WorkProgress } from "../worker/protocol.ts";
import "./modal-dialog.ts";
import "./problem-note.ts";
import "./row-detail.ts";
import type { VirtualList } from "./virtual-list.ts";
import "./virtual-list.ts";

const pageRows = 200;
/** Pages that are kept; further away ones are fetched again. */
const keptPages = 20;
const shownCharacters = 80;

/** The rows of one table, at any place of it at once. */
export class RowBrowser extends LitElement {
  static override properties = {
    table: { attribute: false },
    client: { attribute: false },
    _total: { state: true },
    _chosen: { state: true },
    _progress: { state: true },
    _error: { state: true },
  };
  static override styles = [
    base,
    controls,
    css`
      .tools {
        padding: 0.625rem 1.25rem;
        border-bottom: 1px solid var(--_line);
      }

      .tools input {
        width: 9rem;
      }

      .split {
        display: flex;
        flex: 1;
        min-height: 0;
      }

      holdall-detail {
        flex: 0 0 min(26rem, 45%);
        border-left: 1px solid var(--_line);
      }

      holdall-problem {
        margin: 1rem;
      }

      @media (max-width: 40rem) {
        .split {
          flex-direction: column;
        }

        holdall-detail {
          flex: 0 0 50%;
          border-left: 0;
          border-top: 1px solid var(--_line);
        }
      }
    `,
  ];
  declare table: TableSummary;
  declare client: BundleClient;
  declare _total: number;
  declare _chosen: number | null;
  declare _progress: WorkProgress | null;
  declare _error: unknown;
  readonly #pages = new Map<number, string[] | null>();
  readonly #stop = new AbortController();

  constructor() {
    super();
    this._total = 0;
    this._chosen = null;
    this._progress = null;
  }

  override willUpdate(changed: Map<string, unknown>) {
    if (changed.has("table")) this._total = this.table.rows;
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop.abort();
  }

  override render() {
    const { columns } = this.table;
    return html`<holdall-dialog
      .heading=${words(this.table.name)}
      .note=${`${number(this._total)} rows as they stand in the bundle`}
      @close=${() => this.dispatchEvent(new Event("close"))}
    >
      <form class="tools row" @submit=${this.#jump}>
        <label for="row">Go to row</label>
        <input id="row" name="row" type="number" min="1" max=${Math.max(1, this._total)} inputmode="numeric" required />
        <button>Go</button>
        ${
          this._progress === null
            ? nothing
            : html`<span class="muted small" role="status"
                >Finding the place … ${percent(this._progress.bytesDone, this._progress.bytesTotal)}</span
              >`
        }
      </form>
      ${this._error === undefined ? nothing : html`<holdall-problem .error=${this._error}></holdall-problem>`}
      <div class="split">
        <holdall-list
          .total=${this._total}
          .label=${`Rows of ${words(this.table.name)}`}
          .head=${this.#head(columns)}
          .draw=${(index: number) => this.#line(index, columns)}
          @range=${this.#range}
        ></holdall-list>
        ${
          this._chosen === null
            ? nothing
            : html`<holdall-detail
                .index=${this._chosen}
                .json=${this.#rowAt(this._chosen) ?? ""}
                @close=${() => {
                  this._chosen = null;
                }}
              ></holdall-detail>`
        }
      </div>
    </holdall-dialog>`;
  }

  #head(columns: string[]) {
    return html`<div role="row" class="line">
      <span role="columnheader" class="index">Row</span>
      ${columns.map((column) => html`<span role="columnheader" class="cell">${column}</span>`)}
    </div>`;
  }

  #line(index: number, columns: string[]) {
    const json = this.#rowAt(index);
    const fields = json === undefined ? null : fieldsOf(json);
    const byName = new Map(fields?.map((field) => [field.name, field]));
    return html`<div role="row" class=${`line ${index === this._chosen ? "chosen" : ""}`} aria-rowindex=${index + 1}>
      <span role="cell" class="index">
        <button
          class="link"
          aria-label=${`Row ${number(index + 1)}`}
          @click=${() => {
            this._chosen = index;
          }}
        >
          ${number(index + 1)}
        </button>
      </span>
      ${columns.map((column) => {
        const field = byName.get(column);
        const text = field?.text.slice(0, shownCharacters) ?? "";
        return html`<span role="cell" class=${`cell ${field?.kind ?? ""}`}>${json === undefined ? "…" : field?.kind === "null" ? "null" : text}</span>`;
      })}
    </div>`;
  }

  #rowAt(index: number): string | undefined {
    const page = Math.floor(index / pageRows);
    return this.#pages.get(page)?.[index - page * pageRows];
  }

  readonly #range = (event: CustomEvent<{ from: number; last: number }>) => {
    const { from, last } = event.detail;
    for (let page = Math.floor(from / pageRows); page * pageRows < last; page++) void this.#fetch(page);
  };

  async #fetch(page: number): Promise<void> {
    if (this.#pages.has(page)) return;
    this.#pages.set(page, null);
    try {
      const { rows, total } = await this.client.rows(this.table.name, page * pageRows, pageRows, {
        signal: this.#stop.signal,
        onProgress: (progress) => {
          this._progress = progress;
        },
      });
      this.#pages.set(page, rows);
      this._total = total;
      this.#forget(page);
    } catch (error) {
      this.#pages.delete(page);
      if (!this.#stop.signal.aborted) this._error = error;
    }
    this._progress = null;
    // The list draws anew because `draw` is a new function.
    this.requestUpdate();
  }

  #forget(near: number) {
    const far = [...this.#pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near));
    for (const page of far.slice(0, Math.max(0, far.length - keptPages))) this.#pages.delete(page);
  }

  readonly #jump = (event: SubmitEvent) => {
    event.preventDefault();
    const row = Number(new FormData(event.target as HTMLFormElement).get("row"));
    const list = this.renderRoot.querySelector<VirtualList>("holdall-list")!;
    void list.jump(row - 1);
    this._chosen = Math.max(0, Math.min(this._total, row) - 1);
  };
}

customElements.define("holdall-rows", RowBrowser);
