import { css, html, nothing } from "lit";
import { PageElement, properties } from "../design/page-element.ts";
import { number, percent, words } from "../format.ts";
import { type Field, fieldsOf } from "../json-fields.ts";
import { go } from "../route.ts";
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

interface Row {
  json: string;
  /** Taken apart once it is drawn, and not with every line that is scrolled. */
  fields?: Map<string, Field>;
}

function fieldAt(row: Row, column: string): Field | undefined {
  row.fields ??= new Map(fieldsOf(row.json)?.map((field) => [field.name, field]));
  return row.fields.get(column);
}

/** The rows of one table, at any place of it at once. */
export class RowBrowser extends PageElement {
  static override properties = properties("table client row", "_total _chosen _progress _error");
  static override styles = [
    super.styles,
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
  /** The row to open, counted from 1. */
  declare row: number | null;
  declare _total: number;
  declare _chosen: number | null;
  declare _progress: WorkProgress | null;
  declare _error: unknown;
  readonly #pages = new Map<number, Row[] | null>();
  readonly #stop = new AbortController();

  constructor() {
    super();
    this._total = 0;
    this._chosen = null;
    this._progress = null;
  }

  override willUpdate(changed: Map<string, unknown>) {
    if (changed.has("table")) this._total = this.table.rows;
    if (changed.has("row")) this._chosen = this.row === null ? null : Math.max(0, Math.min(this._total, this.row) - 1);
  }

  override updated(changed: Map<string, unknown>) {
    const list = this.renderRoot.querySelector<VirtualList>("holdall-list")!;
    if (changed.has("row") && this._chosen !== null && !list.shows(this._chosen)) void list.jump(this._chosen);
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
                .json=${this.#rowAt(this._chosen)?.json ?? ""}
                @close=${() => this.#choose(null)}
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
    const row = this.#rowAt(index);
    return html`<div role="row" class=${`line ${index === this._chosen ? "chosen" : ""}`} aria-rowindex=${index + 1}>
      <span role="cell" class="index">
        <button
          class="link"
          aria-label=${`Row ${number(index + 1)}`}
          @click=${() => this.#choose(index)}
        >
          ${number(index + 1)}
        </button>
      </span>
      ${columns.map((column) => {
        const field = row && fieldAt(row, column);
        const text = field?.text.slice(0, shownCharacters) ?? "";
        return html`<span role="cell" class=${`cell ${field?.kind ?? ""}`}>${row === undefined ? "…" : field?.kind === "null" ? "null" : text}</span>`;
      })}
    </div>`;
  }

  #rowAt(index: number): Row | undefined {
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
      this.#pages.set(
        page,
        rows.map((json) => ({ json })),
      );
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
    const index = Math.max(0, Math.min(this._total, row) - 1);
    void this.renderRoot.querySelector<VirtualList>("holdall-list")!.jump(index);
    this.#choose(index);
  };

  /** In the address, where it takes the place of the row before. */
  #choose(index: number | null) {
    const row = index === null ? [] : [String(index + 1)];
    go(this, "replace", "import", "rows", this.table.name, ...row);
  }
}

customElements.define("holdall-rows", RowBrowser);
