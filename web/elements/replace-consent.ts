import { css, html, LitElement, nothing } from "lit";
import type { Loss, ReplaceConsent, ReplacePlan } from "../../engine/plan.ts";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { icon } from "../design/icons.ts";
import { counted, words } from "../format.ts";

/** The consents that a replacement needs before it happens. */
export function neededConsents({ occupied, lost, admins }: ReplacePlan): (keyof ReplaceConsent)[] {
  return [
    ...(Object.keys(occupied).length > 0 ? (["replace_existing"] as const) : []),
    ...(lost.length > 0 ? (["accept_loss"] as const) : []),
    ...(admins === 0 ? (["allow_no_admin"] as const) : []),
  ];
}

/** What a replacement deletes and loses, each to be agreed to by name. Fires `chosen` with the consents. */
export class ReplaceConsentView extends LitElement {
  static override properties = { plan: { attribute: false }, deleted: { attribute: false }, consent: { attribute: false } };
  static override styles = [
    base,
    controls,
    css`
      .agree {
        display: flex;
        gap: 0.625rem;
        margin-top: 0.625rem;
      }

      ul {
        margin: 0.375rem 0 0;
        padding-left: 1.125rem;
        font-size: 0.8125rem;
      }
    `,
  ];
  declare plan: ReplacePlan;
  /** Rows that would be deleted. */
  declare deleted: number;
  declare consent: Partial<ReplaceConsent>;

  override render() {
    const needed = neededConsents(this.plan);
    const { kept, objects_removed: removed, objects_replaced: replaced } = this.plan;
    return html`<div class="note warn">
      ${icon("warn")}
      <div>
        <h3>${needed.length === 0 ? "This installation is fresh" : "This installation would be replaced"}</h3>
        <p>
          ${counted(this.deleted, "row")} that the bundle does not hold would be deleted${removed > 0 ? ` and ${counted(removed, "stored file")} removed` : ""}.
          ${replaced > 0 ? `${counted(replaced, "stored file")} would get the bundle's content.` : nothing}
        </p>
        ${Object.entries(kept).map(([table, reason]) => html`<p class="muted small">${words(table)} stay as they are: ${reason}.</p>`)}
        ${needed.map((name) => this.#agree(name))}
      </div>
    </div>`;
  }

  #agree(name: keyof ReplaceConsent) {
    return html`<label class="agree">
        <input
          type="checkbox"
          name=${name}
          .checked=${this.consent[name] === true}
          @change=${(event: Event) => this.#chosen({ [name]: (event.target as HTMLInputElement).checked })}
        />
        <span>${this.#question(name)}</span>
      </label>
      ${name === "accept_loss" ? html`<ul>${this.plan.lost.map((loss) => html`<li>${lossText(loss)}</li>`)}</ul>` : nothing}`;
  }

  #question(name: keyof ReplaceConsent): string {
    if (name === "accept_loss") return "Lose what no backup holds:";
    if (name === "allow_no_admin") return "Leave this installation without an active administrator";
    const held = Object.entries(this.plan.occupied).map(([table, rows]) => `${counted(rows, "row")} of ${words(table)}`);
    return `Replace what is here: ${held.join(", ")}`;
  }

  #chosen(detail: Partial<ReplaceConsent>) {
    this.dispatchEvent(new CustomEvent("chosen", { detail: { ...this.consent, ...detail } }));
  }
}

function lossText({ table, what, column, rows }: Loss): string {
  if (what === "rows") return `${counted(rows, "row")} of ${words(table)}`;
  const values = what === "values" ? counted(rows, "value") : counted(rows, "reference");
  return `${values} of ${words(column!)} in ${words(table)}`;
}

customElements.define("holdall-consent", ReplaceConsentView);
