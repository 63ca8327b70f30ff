import { css, html, nothing } from "lit";
import type { TenantList } from "../../engine/http-types.ts";
import type { Api } from "../api.ts";
import { PageElement } from "../design/page-element.ts";
import { counted, number, words } from "../format.ts";
import "./problem-note.ts";

type Tenant = TenantList["tenants"][number];

/** All tenants, or the ones that are chosen. Fires `chosen` with their keys, or `null` for all. */
export class TenantChoice extends PageElement {
  static override properties = {
    api: { attribute: false },
    /** The scope's table of tenants. */
    table: {},
    _isSome: { state: true },
    _found: { state: true },
    _chosen: { state: true },
    _error: { state: true },
  };
  static override styles = [
    super.styles,
    css`
      .choice p {
        margin-top: 0.125rem;
      }

      .some {
        display: grid;
        gap: 0.625rem;
        padding: 0.75rem 0.875rem;
        border: 1px solid var(--_line);
        border-radius: var(--_radius-small);
      }

      input[type="text"] {
        width: 100%;
      }

      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 12rem), 1fr));
        gap: 0.125rem 1rem;
        max-height: 12rem;
        overflow: auto;
        list-style: none;
      }

      li label {
        display: flex;
        gap: 0.625rem;
        padding: 0.25rem 0.125rem;
        cursor: pointer;
      }
    `,
  ];
  declare api: Api;
  declare table: string;
  declare _isSome: boolean;
  declare _found: TenantList | null;
  declare _chosen: ReadonlyMap<string, Tenant>;
  declare _error: unknown;
  #asked = 0;

  constructor() {
    super();
    this._isSome = false;
    this._found = null;
    this._chosen = new Map();
  }

  override render() {
    const many = words(this.table);
    return html`<div class="choices">
      ${this.#whether(false, `All ${many}`, "The whole installation.")}
      ${this.#whether(true, `Only some ${many}`, "Their rows and files, and what all share.")}
      ${this._isSome ? this.#some(many) : nothing}
    </div>`;
  }

  #whether(isSome: boolean, label: string, description: string) {
    return html`<label class="choice">
      <input type="radio" name="tenants" .checked=${isSome === this._isSome} @change=${() => this.#set(isSome)} />
      <span><span class="label">${label}</span><p class="muted small">${description}</p></span>
    </label>`;
  }

  #some(many: string) {
    if (this._error !== undefined) return html`<holdall-problem .error=${this._error}></holdall-problem>`;
    if (this._found === null) return html`<p class="muted small" role="status">Loading …</p>`;
    const { total, tenants } = this._found;
    // Those that are chosen stay in sight, whatever is searched for.
    const shown = new Map([...this._chosen, ...tenants.map((tenant) => [tenant.id, tenant] as const)]);
    return html`<div class="some">
      <input type="text" placeholder=${`Find among the ${many}`} aria-label=${`Find among the ${many}`} @input=${this.#search} />
      <ul aria-label=${many}>
        ${[...shown.values()].map((tenant) => this.#tenant(tenant))}
      </ul>
      <p class="muted small" role="status">
        ${this._chosen.size === 0 ? "None is chosen yet." : `${counted(this._chosen.size, "is", "are")} chosen.`}
        ${total > tenants.length ? `${number(total - tenants.length)} more match: search to find them.` : ""}
      </p>
    </div>`;
  }

  #tenant(tenant: Tenant) {
    return html`<li>
      <label>
        <input
          type="checkbox"
          .checked=${this._chosen.has(tenant.id)}
          @change=${(event: Event) => this.#choose(tenant, (event.target as HTMLInputElement).checked)}
        />${tenant.name}</label
      >
    </li>`;
  }

  #set(isSome: boolean) {
    this._isSome = isSome;
    if (isSome && this._found === null) void this.#ask("");
    this.#fire();
  }

  #choose(tenant: Tenant, isOn: boolean) {
    const chosen = new Map(this._chosen);
    if (isOn) chosen.set(tenant.id, tenant);
    else chosen.delete(tenant.id);
    this._chosen = chosen;
    this.#fire();
  }

  readonly #search = (event: InputEvent) => void this.#ask((event.target as HTMLInputElement).value.trim());

  async #ask(search: string): Promise<void> {
    const asked = ++this.#asked;
    try {
      const found = await this.api.tenants(search);
      if (asked === this.#asked) [this._found, this._error] = [found, undefined];
    } catch (error) {
      if (asked === this.#asked) this._error = error;
    }
  }

  #fire() {
    this.dispatchEvent(new CustomEvent("chosen", { detail: this._isSome ? [...this._chosen.keys()] : null }));
  }
}

customElements.define("holdall-tenants", TenantChoice);
