import { css, html, nothing } from "lit";
import type { PlannedRow, ValueChange } from "../../engine/plan.ts";
import { PageElement } from "../design/page-element.ts";
import { number, words } from "../format.ts";
import { fieldsOf } from "../json-fields.ts";
import { outcomeTexts } from "../mode-texts.ts";
import type { BundleClient } from "../worker/client.ts";

/** One row of a plan: its key, why it has its outcome, its fields here and in the bundle. */
export class PlanRowView extends PageElement {
  static override properties = {
    row: { attribute: false },
    table: {},
    isNamed: { attribute: false },
    client: { attribute: false },
    _json: { state: true },
  };
  static override styles = [
    super.styles,
    css`
      :host {
        padding: 0.75rem 0;
        border-top: 1px solid var(--_line);
      }

      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 0.25rem 0.75rem;
      }

      .head .link {
        margin-left: auto;
        font-size: 0.8125rem;
      }

      table {
        width: 100%;
        margin-top: 0.5rem;
        border-collapse: collapse;
        table-layout: fixed;
        font-size: 0.8125rem;
      }

      th,
      td {
        padding: 0.3125rem 0.625rem;
        text-align: left;
        vertical-align: top;
        white-space: pre-wrap;
      }

      thead th {
        color: var(--_muted);
        font-weight: 550;
      }

      th:first-child {
        width: 24%;
        font-weight: 550;
      }

      td.old {
        background: var(--_bad-soft);
      }

      td.new {
        background: var(--_good-soft);
      }

      td.stays {
        background: var(--_raised);
      }

      .null {
        color: var(--_muted);
        font-style: italic;
      }

      dl {
        display: grid;
        grid-template-columns: minmax(7rem, 24%) minmax(0, 1fr);
        gap: 0.125rem 0.625rem;
        margin-top: 0.5rem;
        font-size: 0.8125rem;
      }

      dt {
        color: var(--_muted);
      }
    `,
  ];
  declare row: PlannedRow;
  declare table: string;
  /** Whether the outcome is said: where rows of one outcome stand together, it is said above them. */
  declare isNamed: boolean;
  declare client: BundleClient | undefined;
  declare _json: string | null;

  constructor() {
    super();
    this._json = null;
  }

  override willUpdate(changed: Map<string, unknown>) {
    if (changed.has("row")) this._json = null;
  }

  override render() {
    const { row } = this;
    return html`<div class="head">
        ${row.outcome === "delete" ? nothing : html`<strong>Row ${number(row.row)}</strong>`}
        <code class="muted">${row.key.join(", ")}</code>
        <span class="small">${because(row, this.isNamed)}</span>
        ${
          this.client === undefined || this._json !== null || row.outcome === "delete"
            ? nothing
            : html`<button class="link" aria-label=${`Row ${number(row.row)} in the bundle`} @click=${this.#look}>In the bundle</button>`
        }
      </div>
      ${row.changes === undefined || row.changes.length === 0 ? nothing : this.#changes(row.changes)}
      ${this._json === null ? nothing : whole(this._json)}`;
  }

  #changes(changes: ValueChange[]) {
    const isUpdate = this.row.outcome === "update" || this.row.outcome === "metadata_update";
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Here${isUpdate ? ", until now" : ", and stays"}</th>
          <th scope="col">In the bundle</th>
        </tr>
      </thead>
      <tbody>
        ${changes.map(
          ({ column, old, new: next, cut }) => html`<tr>
            <th scope="row">${column}</th>
            <td class=${isUpdate ? "old" : "stays"}>${valueText(old)}</td>
            <td class=${isUpdate ? "new" : ""}>${valueText(next)}${cut ? html` <span class="muted">(cut)</span>` : nothing}</td>
          </tr>`,
        )}
      </tbody>
    </table>`;
  }

  readonly #look = async () => {
    try {
      const { rows } = await this.client!.rows(this.table, this.row.row - 1, 1);
      this._json = rows[0] ?? "";
    } catch (error) {
      this._json = (error as Error).message;
    }
  };
}

function because(row: PlannedRow, isNamed: boolean): string {
  const { outcome, constraint, holder, reassigned, reference_cleared: cleared, target_key: here, renumbered } = row;
  return [
    isNamed && outcomeTexts[outcome],
    constraint !== undefined && `by ${constraint}`,
    holder !== undefined && `held by ${holder}`,
    here !== undefined && `here it is ${here.join(", ")}`,
    renumbered === true && "will get another number",
    reassigned !== undefined && `${reassigned.map(words).join(", ")}: you`,
    cleared !== undefined && `${cleared.map(words).join(", ")}: will be empty`,
  ]
    .filter(Boolean)
    .join("; ");
}

function valueText(value: string | null) {
  return value === null ? html`<span class="null">null</span>` : value;
}

function whole(json: string) {
  const fields = fieldsOf(json);
  if (fields === null) return html`<p class="small">${json}</p>`;
  return html`<dl>
    ${fields.map(({ name, text, kind }) => html`<dt>${name}</dt><dd>${valueText(kind === "null" ? null : text)}</dd>`)}
  </dl>`;
}

customElements.define("holdall-plan-row", PlanRowView);
