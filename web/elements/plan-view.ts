import { css, html, nothing, svg } from "lit";
import { keyed } from "lit/directives/keyed.js";
import type { Outcome, Plan, TablePlan } from "../../engine/plan.ts";
import type { Api } from "../api.ts";
import { icon } from "../design/icons.ts";
import { PageElement } from "../design/page-element.ts";
import { counted, number, size, words } from "../format.ts";
import { type Group, groups, outcomeTexts } from "../mode-texts.ts";
import { go, leave } from "../route.ts";
import type { BundleClient } from "../worker/client.ts";
import "./plan-rows.ts";

export function countOf({ outcomes }: TablePlan, wanted: readonly Outcome[]): number {
  return wanted.reduce((sum, outcome) => sum + (outcomes[outcome] ?? 0), 0);
}

export function totalOf(plan: Plan, wanted: readonly Outcome[]): number {
  return plan.tables.reduce((sum, table) => sum + countOf(table, wanted), 0);
}

/** A plan, table by table, drawn as bars; each table opens its rows. Without `api`, what a report says was done. */
export class PlanView extends PageElement {
  static override properties = {
    plan: { attribute: false },
    api: { attribute: false },
    client: { attribute: false },
    open: {},
  };
  static override styles = [
    super.styles,
    css`
      .totals {
        display: grid;
        grid-auto-flow: column;
        grid-auto-columns: minmax(0, 1fr);
        gap: 0.5rem;
        list-style: none;
      }

      .totals li {
        padding: 0.75rem 0.875rem;
        border: 1px solid var(--_line);
        border-radius: var(--_radius-small);
      }

      .totals .count {
        display: block;
        font: 650 1.375rem / 1.2 var(--_font);
        font-variant-numeric: tabular-nums;
        letter-spacing: -0.01em;
      }

      .totals .name {
        display: flex;
        align-items: center;
        gap: 0.4375rem;
        color: var(--_muted);
        font-size: 0.8125rem;
      }

      .totals .zero {
        color: var(--_muted);
      }

      .dot {
        width: 0.625rem;
        height: 0.625rem;
      }

      .new {
        fill: var(--_new);
      }

      .changed {
        fill: var(--_changed);
      }

      .same {
        fill: var(--_same);
      }

      .kept {
        fill: var(--_kept);
      }

      .skipped {
        fill: var(--_skipped);
      }

      .deleted {
        fill: var(--_bad);
      }

      .tables {
        margin-top: 1rem;
        list-style: none;
      }

      .tables > li {
        display: grid;
        grid-template-columns: minmax(8rem, 12rem) minmax(0, 1fr) minmax(8rem, 15rem);
        gap: 0.125rem 1.25rem;
        align-items: center;
        padding: 0.625rem 0;
        border-top: 1px solid var(--_line);
      }

      .bar {
        display: block;
        width: 100%;
        height: 0.75rem;
        border-radius: 4px;
      }

      .say {
        color: var(--_muted);
        font-size: 0.8125rem;
      }

      .why {
        grid-column: 2 / -1;
        font-size: 0.8125rem;
      }

      .files {
        margin-top: 0.75rem;
        padding-top: 0.75rem;
        border-top: 1px solid var(--_line);
      }

      @media (max-width: 40rem) {
        .totals {
          grid-auto-flow: row;
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }

        .totals li:last-child {
          grid-column: 1 / -1;
        }

        .tables > li {
          grid-template-columns: minmax(0, 1fr);
        }

        .why {
          grid-column: 1;
        }
      }
    `,
  ];
  declare plan: Plan;
  declare api: Api | undefined;
  declare client: BundleClient | undefined;
  /** Name of the table whose rows are open. */
  declare open: string | undefined;

  override render() {
    const { plan } = this;
    const most = Math.max(1, ...plan.tables.map(rowsOf));
    const shown = plan.replace === undefined ? groups.filter(({ name }) => name !== "deleted") : groups;
    return html`<ul class="totals" aria-label="Rows by outcome">
        ${shown.map((group) => total(plan, group))}
      </ul>
      <ul class="tables" aria-label="Tables">
        ${plan.tables.map((table) => this.#table(table, most))}
      </ul>
      <p class="muted small files">${objects(plan)}</p>
      ${this.#rows()}`;
  }

  #rows() {
    const { open, plan } = this;
    if (open === undefined || this.api === undefined) return nothing;
    const table = plan.tables.find((known) => known.table === open);
    if (table === undefined)
      return html`<p class="muted" role="status">The plan has no table “${open}”, which the address asks for.</p>`;
    return keyed(
      open,
      html`<holdall-plan-rows
        .table=${table}
        .digest=${plan.digest}
        .api=${this.api}
        .client=${this.client}
        @close=${() => leave(this, ["import", "plan", open], ["import"])}
      ></holdall-plan-rows>`,
    );
  }

  #table(table: TablePlan, most: number) {
    const name = words(table.table);
    const said = groups.filter((group) => countOf(table, group.outcomes) > 0);
    return html`<li>
      ${
        this.api === undefined || rowsOf(table) === 0
          ? html`<span>${name}</span>`
          : html`<button
              class="link"
              aria-label=${`Rows of ${name} in the plan`}
              @click=${() => go(this, "push", "import", "plan", table.table)}
            >
              ${name}
            </button>`
      }
      ${bar(table, most)}
      <span class="say">
        ${rowsOf(table) === 0 ? "no rows" : said.map((group) => `${number(countOf(table, group.outcomes))} ${group.label.toLowerCase()}`).join(", ")}
      </span>
      ${notesOf(table).map((note) => html`<span class="why">${note}</span>`)}
    </li>`;
  }
}

/** Those of the bundle, and those that would be deleted. */
export function rowsOf({ rows, outcomes }: TablePlan): number {
  return rows + (outcomes.delete ?? 0);
}

function total(plan: Plan, { name, label, outcomes }: Group) {
  const count = totalOf(plan, outcomes);
  return html`<li>
    <span class=${`count ${count === 0 ? "zero" : ""}`}>${number(count)}</span>
    <span class="name"><svg class="dot" viewBox="0 0 1 1" aria-hidden="true"><rect class=${name} width="1" height="1" rx=".25" /></svg>${label}</span>
  </li>`;
}

/** As long as the table has rows, by the square root: small tables stay visible beside large ones. */
function bar(table: TablePlan, most: number) {
  const rows = rowsOf(table);
  const length = 100 * Math.sqrt(rows / most);
  let at = 0;
  const parts = groups.map(({ name, outcomes }) => {
    const width = rows === 0 ? 0 : (length * countOf(table, outcomes)) / rows;
    const part = svg`<rect class=${name} x=${`${at}%`} width=${`${width}%`} height="100%" />`;
    at += width;
    return part;
  });
  return html`<svg class="bar" aria-hidden="true">${parts}</svg>`;
}

/** Why rows are left, and what becomes of those that arrive. */
function notesOf(table: TablePlan): string[] {
  const notes: string[] = [];
  if (table.reason !== undefined && table.rows > 0) notes.push(`Stays out: ${table.reason}.`);
  for (const outcome of ["conflict_unique", "other_tenant", "missing_parent", "blob_missing"] as const) {
    const count = table.outcomes[outcome] ?? 0;
    if (count > 0) notes.push(`${counted(count, "row")} ${outcomeTexts[outcome]}.`);
  }
  for (const note of ["reassigned", "matched", "renumbered"] as const) {
    if (table[note] > 0) notes.push(`${counted(table[note], "row")}: ${outcomeTexts[note]}.`);
  }
  for (const [column, count] of Object.entries(table.reference_cleared)) {
    notes.push(`${counted(count, "row")} will have ${words(column)} empty: what it names is nowhere.`);
  }
  if (table.dropped_columns.length > 0) notes.push(`Not in this installation's scope: ${table.dropped_columns.join(", ")}.`);
  return notes;
}

function objects({ blobs }: Plan): string {
  const parts = [`${counted(blobs.write, "file")} to store (${size(blobs.bytes)})`];
  if (blobs.present > 0) parts.push(`${number(blobs.present)} here already`);
  if (blobs.rekeyed > 0) parts.push(`${number(blobs.rekeyed)} under a new key, theirs being taken`);
  if (blobs.missing > 0) parts.push(`${number(blobs.missing)} nowhere to be found`);
  return `Stored files: ${parts.join(", ")}.`;
}

export const warningsNote = (texts: string[]) =>
  texts.length === 0
    ? nothing
    : html`<div class="note warn">
        ${icon("warn")}
        <div>
          <h3>${counted(texts.length, "warning")}</h3>
          ${texts.slice(0, 100).map((text) => html`<p>${text}</p>`)}
        </div>
      </div>`;

customElements.define("holdall-plan", PlanView);
