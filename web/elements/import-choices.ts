import { css, html, LitElement } from "lit";
import type { PlanRequest } from "../api.ts";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { number, words } from "../format.ts";
import type { TableSummary } from "../worker/protocol.ts";

/** What else an import can be told: which tables, which organizations, and how rows are found. Fires `chosen`. */
export class ImportChoices extends LitElement {
  static override properties = { tables: { attribute: false }, choices: { attribute: false } };
  static override styles = [
    base,
    controls,
    css`
      :host {
        margin-top: 0.75rem;
      }

      summary {
        cursor: pointer;
        font-weight: 550;
      }

      .body {
        display: grid;
        gap: 1rem;
        margin-top: 0.875rem;
      }

      .line {
        display: flex;
        gap: 0.625rem;
      }

      .tables {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr));
        gap: 0.375rem 1rem;
      }

      .field input {
        display: block;
        width: min(100%, 28rem);
        margin-top: 0.375rem;
      }
    `,
  ];
  declare tables: TableSummary[];
  declare choices: Omit<PlanRequest, "mode">;

  override render() {
    const { tables: only } = this.choices;
    return html`<details>
      <summary>More choices</summary>
      <div class="body">
        <label class="line">
          <input
            type="checkbox"
            .checked=${this.choices.match_natural_keys !== false}
            @change=${(event: Event) => this.#fire({ match_natural_keys: (event.target as HTMLInputElement).checked })}
          />
          <span>Find what is here under another key by what names it, such as an organization's short name</span>
        </label>
        <fieldset>
          <legend>Tables</legend>
          <div class="tables">
            ${this.tables.map(
              ({ name, rows }) => html`<label class="line">
                <input
                  type="checkbox"
                  .checked=${only === undefined || only.includes(name)}
                  @change=${(event: Event) => this.#table(name, (event.target as HTMLInputElement).checked)}
                />
                <span>${words(name)} <span class="muted small">${number(rows)}</span></span>
              </label>`,
            )}
          </div>
        </fieldset>
        <label class="field">
          Only these organizations, by key or short name, separated by commas
          <input type="text" placeholder="all" .value=${this.choices.orgs?.join(", ") ?? ""} @change=${this.#orgs} />
        </label>
      </div>
    </details>`;
  }

  #table(name: string, isOn: boolean) {
    const all = this.tables.map((table) => table.name);
    const chosen = new Set(this.choices.tables ?? all);
    if (isOn) chosen.add(name);
    else chosen.delete(name);
    const tables = all.filter((table) => chosen.has(table));
    this.#fire({ tables: tables.length === all.length || tables.length === 0 ? undefined : tables });
  }

  readonly #orgs = (event: Event) => {
    const orgs = (event.target as HTMLInputElement).value
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    this.#fire({ orgs: orgs.length === 0 ? undefined : orgs });
  };

  /** A choice that is `undefined` is not sent. */
  #fire(detail: { [K in keyof PlanRequest]?: PlanRequest[K] | undefined }) {
    this.dispatchEvent(new CustomEvent("chosen", { detail }));
  }
}

customElements.define("holdall-choices", ImportChoices);
