import { css, html, nothing } from "lit";
import type { PlanCode, PlannedRow, PlanPage, TablePlan } from "../../engine/plan.ts";
import type { Api } from "../api.ts";
import { PageElement } from "../design/page-element.ts";
import { number, words } from "../format.ts";
import { outcomeTexts } from "../mode-texts.ts";
import type { BundleClient } from "../worker/client.ts";
import "./modal-dialog.ts";
import "./plan-row.ts";
import "./problem-note.ts";

const pageRows = 50;

/** The rows of one table of a plan: by outcome, with the fields that would change. */
export class PlanRows extends PageElement {
  static override properties = {
    table: { attribute: false },
    digest: {},
    api: { attribute: false },
    client: { attribute: false },
    _code: { state: true },
    _page: { state: true },
    _error: { state: true },
  };
  static override styles = [
    super.styles,
    css`
      .filters {
        gap: 0.375rem;
        padding: 0.75rem 1.25rem;
        border-bottom: 1px solid var(--_line);
      }

      .filters button {
        min-height: 2rem;
        padding: 0.125rem 0.75rem;
        border-radius: 999px;
        font-size: 0.8125rem;
      }

      .filters [aria-pressed="true"] {
        border-color: var(--_accent);
        background: var(--_accent-soft);
        color: var(--_accent);
      }

      .rows {
        flex: 1;
        min-height: 0;
        overflow: auto;
        padding: 0 1.25rem;
      }

      .foot {
        padding: 0.625rem 1.25rem;
        border-top: 1px solid var(--_line);
      }

      p.status {
        padding: 1.25rem 0;
      }
    `,
  ];
  declare table: TablePlan;
  declare digest: string;
  declare api: Api;
  declare client: BundleClient | undefined;
  declare _code: PlanCode | undefined;
  declare _page: PlanPage | null;
  declare _error: unknown;

  constructor() {
    super();
    this._page = null;
  }

  override connectedCallback() {
    super.connectedCallback();
    // What needs a look comes first.
    const codes = Object.keys(this.table.outcomes) as PlanCode[];
    this._code = codes.find((code) => code !== "insert" && code !== "identical") ?? codes[0];
    void this.#load(0);
  }

  override render() {
    return html`<holdall-dialog
      .heading=${words(this.table.table)}
      .note=${`${number(this.#all)} rows in the plan`}
      @close=${() => this.dispatchEvent(new Event("close"))}
    >
      <div class="filters row" role="group" aria-label="Rows by outcome">${this.#filters()}</div>
      <div class="rows" tabindex="0" role="region" aria-label="Rows">${this.#rows()}</div>
      ${this.#foot()}
    </holdall-dialog>`;
  }

  get #all(): number {
    return this.table.rows + (this.table.outcomes.delete ?? 0);
  }

  #filters() {
    const counts = Object.entries(this.table.outcomes).filter(([, count]) => count > 0) as [PlanCode, number][];
    const all: [PlanCode | undefined, string][] = counts.map(([code, count]) => [code, `${words(code)} (${number(count)})`]);
    if (counts.length > 1) all.push([undefined, `all (${number(this.#all)})`]);
    for (const note of ["reassigned", "matched", "renumbered"] as const) {
      if (this.table[note] > 0) all.push([note, `${note} (${number(this.table[note])})`]);
    }
    if (Object.keys(this.table.reference_cleared).length > 0) all.push(["reference_cleared", "reference cleared"]);
    return all.map(
      ([code, label]) => html`<button
        aria-pressed=${code === this._code}
        @click=${() => {
          this._code = code;
          void this.#load(0);
        }}
      >
        ${label}
      </button>`,
    );
  }

  #rows() {
    if (this._error !== undefined) return html`<holdall-problem .error=${this._error}></holdall-problem>`;
    if (this._page === null) return html`<p class="status muted" role="status">Loading …</p>`;
    const { rows, table } = this._page;
    return html`<p class="status muted">${this.#about(rows.length)}</p>
      ${rows.map((row: PlannedRow) => html`<holdall-plan-row .row=${row} .table=${table} .isNamed=${this._code === undefined} .client=${this.client}></holdall-plan-row>`)}`;
  }

  #about(shown: number): string {
    if (shown === 0) return "No rows.";
    return this._code === undefined
      ? `All rows, in the bundle's order${this.table.outcomes.delete ? "; behind them those that it does not hold" : ""}.`
      : `${this._code === "delete" ? "Rows by their key" : "Rows in the bundle's order"}. Each of these: ${outcomeTexts[this._code]}.`;
  }

  #foot() {
    const page = this._page;
    if (page === null || page.total <= pageRows) return nothing;
    const last = Math.min(page.total, page.from + pageRows);
    return html`<div class="foot row spread">
      <button ?disabled=${page.from === 0} @click=${() => this.#load(Math.max(0, page.from - pageRows))}>Back</button>
      <span class="muted small" role="status">${number(page.from + 1)} to ${number(last)} of ${number(page.total)}</span>
      <button ?disabled=${last === page.total} @click=${() => this.#load(last)}>Next</button>
    </div>`;
  }

  async #load(from: number): Promise<void> {
    const code = this._code;
    try {
      const page = await this.api.planRows(this.digest, this.table.table, from, pageRows, code);
      if (code !== this._code) return;
      [this._page, this._error] = [page, undefined];
      await this.updateComplete;
      this.renderRoot.querySelector(".rows")?.scrollTo(0, 0);
    } catch (error) {
      this._error = error;
    }
  }
}

customElements.define("holdall-plan-rows", PlanRows);
