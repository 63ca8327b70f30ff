import { css, html, LitElement, nothing } from "lit";
import { Api, ProblemError, type ScopeDescription } from "../api.ts";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { icon } from "../design/icons.ts";
import { tokens } from "../design/tokens.ts";
import "./export-page.ts";
import "./import-page.ts";
import "./problem-note.ts";
import "./scope-page.ts";
import "./sign-in-hint.ts";

const pages = [
  { name: "export", label: "Export" },
  { name: "import", label: "Import" },
  { name: "scope", label: "Scope" },
] as const;
type PageName = (typeof pages)[number]["name"];

/**
 * The whole page of an installation, for any page to embed: `<holdall-backup base="/admin/backup">`. `base` is where the routes are
 * mounted. Pages are `#/export`, `#/import` and `#/scope` of the address; with `routing="none"` the address is left alone.
 */
export class HoldallBackup extends LitElement {
  static override properties = {
    base: {},
    routing: {},
    heading: {},
    _scope: { state: true },
    _error: { state: true },
    _page: { state: true },
  };
  static override styles = [
    tokens,
    base,
    controls,
    css`
      :host {
        background: var(--_ground);
        container-type: inline-size;
      }

      .frame {
        max-width: 66rem;
        margin: 0 auto;
        padding: clamp(1rem, 3cqi, 2rem) clamp(0.75rem, 3cqi, 2rem) 4rem;
      }

      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 1rem 2rem;
        margin-bottom: 1.5rem;
      }

      .brand {
        display: flex;
        align-items: center;
        gap: 0.75rem;
        min-width: 0;
      }

      .brand > svg.icon {
        padding: 0.4375rem;
        width: 2.5rem;
        height: 2.5rem;
        border-radius: var(--_radius-small);
        background: var(--_accent);
        color: var(--_on-accent);
      }

      h1 {
        font: 700 1.25rem / 1.2 var(--_font);
        letter-spacing: -0.015em;
      }

      nav {
        display: flex;
        gap: 0.25rem;
        padding: 0.25rem;
        border: 1px solid var(--_line);
        border-radius: var(--_radius);
        background: var(--_surface);
      }

      nav a {
        padding: 0.4375rem 1.125rem;
        border-radius: calc(var(--_radius) - 0.25rem);
        color: var(--_muted);
        font-weight: 550;
        text-decoration: none;
      }

      nav a:hover {
        color: var(--_text);
      }

      nav a[aria-current="page"] {
        background: var(--_accent-soft);
        color: var(--_accent);
      }

      .loading {
        padding: 4rem 0;
        text-align: center;
      }

      @container (max-width: 34rem) {
        nav {
          width: 100%;
        }

        nav a {
          flex: 1;
          padding-inline: 0.5rem;
          text-align: center;
        }
      }
    `,
  ];
  declare base: string;
  declare routing: string;
  declare heading: string;
  declare _scope: ScopeDescription | null;
  declare _error: unknown;
  declare _page: PageName;
  #api: Api | undefined;
  /** A page stays once it was opened: what is in work there goes on. */
  readonly #visited = new Set<PageName>();

  constructor() {
    super();
    this.base = "./api/v1/admin/backup";
    this.routing = "hash";
    this.heading = "";
    this._scope = null;
    this._page = "export";
  }

  override connectedCallback() {
    super.connectedCallback();
    addEventListener("hashchange", this.#follow);
    this.#follow();
    void this.load();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.#follow);
  }

  /** Asks the installation anew. */
  async load(): Promise<void> {
    this._error = undefined;
    this._scope = null;
    try {
      this.#api = new Api(this.base);
      this._scope = await this.#api.scope();
    } catch (error) {
      this._error = error;
    }
  }

  override render() {
    return html`<div class="frame" @show-page=${(event: CustomEvent<PageName>) => this.#choose(event, event.detail)}>
      <header>
        <div class="brand">
          ${icon("bag")}
          <div>
            <h1>${this.heading || "System backup"}</h1>
            <p class="muted small">${this._scope === null ? "Move an installation's state" : this._scope.title}</p>
          </div>
        </div>
        ${this._scope === null ? nothing : this.#navigation()}
      </header>
      ${this.#body()}
    </div>`;
  }

  #navigation() {
    return html`<nav aria-label="Backup">
      ${pages.map(
        ({ name, label }) => html`<a
          href=${`#/${name}`}
          aria-current=${name === this._page ? "page" : nothing}
          @click=${(event: Event) => this.#choose(event, name)}
          >${label}</a
        >`,
      )}
    </nav>`;
  }

  #body() {
    if (this._error instanceof ProblemError && this._error.problem.status === 401)
      return html`<holdall-sign-in></holdall-sign-in>`;
    if (this._error !== undefined) {
      return html`<holdall-problem .error=${this._error}></holdall-problem>
        <p class="row"><button @click=${this.load}>Try again</button></p>`;
    }
    if (this._scope === null) return html`<p class="loading muted" role="status">Loading …</p>`;
    this.#visited.add(this._page);
    return pages.filter(({ name }) => this.#visited.has(name)).map(({ name }) => this.#page(name));
  }

  #page(name: PageName) {
    const [scope, api, hidden] = [this._scope, this.#api, name !== this._page];
    if (name === "export") return html`<holdall-export .scope=${scope} .api=${api} ?hidden=${hidden}></holdall-export>`;
    if (name === "import") return html`<holdall-import .scope=${scope} .api=${api} ?hidden=${hidden}></holdall-import>`;
    return html`<holdall-scope .scope=${scope} ?hidden=${hidden}></holdall-scope>`;
  }

  #choose(event: Event, name: PageName) {
    if (this.routing !== "none") return;
    event.preventDefault();
    this._page = name;
  }

  readonly #follow = () => {
    if (this.routing === "none") return;
    const [, name] = /^#\/(\w+)/.exec(location.hash) ?? [];
    const page = pages.find((known) => known.name === name);
    if (page !== undefined) this._page = page.name;
  };
}

customElements.define("holdall-backup", HoldallBackup);
