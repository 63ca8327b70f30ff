import { css, html, LitElement, nothing } from "lit";
import { Address } from "../address.ts";
import { Api, ProblemError, type ScopeDescription } from "../api.ts";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { icon } from "../design/icons.ts";
import { tokens } from "../design/tokens.ts";
import { hashOf, isWithin, type Move, parseRoute, type Route } from "../route.ts";
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
const isPage = (name: string): name is PageName => pages.some((page) => page.name === name);

/**
 * The whole page of an installation, for any page to embed: `<holdall-backup base="/admin/backup">`. `base` is where the routes are
 * mounted. Pages are `#/export`, `#/import` and `#/scope` of the address, and what is open on them has an address of its own, such as
 * `#/import/rows/assets/300`; with `routing="none"` the address is left alone.
 */
export class HoldallBackup extends LitElement {
  static override properties = {
    base: {},
    routing: {},
    heading: {},
    _scope: { state: true },
    _error: { state: true },
    _route: { state: true },
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
  declare _route: Route;
  #api: Api | undefined;
  readonly #address = new Address((route) => {
    if (this.routing !== "none") this._route = route;
  });
  /** A page stays once it was opened: what is in work there goes on. */
  readonly #visited = new Set<PageName>();

  constructor() {
    super();
    this.base = "./api/v1/admin/backup";
    this.routing = "hash";
    this.heading = "";
    this._scope = null;
    this._route = { page: "export", rest: [] };
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#address.connect();
    void this.load();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#address.disconnect();
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
    return html`<div class="frame" @holdall-move=${(event: CustomEvent<Move>) => this.#move(event.detail)}>
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
          aria-current=${name === this._route.page ? "page" : nothing}
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
    const { page } = this._route;
    if (isPage(page)) this.#visited.add(page);
    return html`${isPage(page) ? nothing : unknown(page)}
    ${pages.filter(({ name }) => this.#visited.has(name)).map(({ name }) => this.#page(name))}`;
  }

  #page(name: PageName) {
    const [scope, api, hidden] = [this._scope, this.#api, name !== this._route.page];
    const route = hidden ? nothing : this._route.rest;
    if (name === "export") return html`<holdall-export .scope=${scope} .api=${api} ?hidden=${hidden}></holdall-export>`;
    if (name === "import")
      return html`<holdall-import .scope=${scope} .api=${api} .route=${route} ?hidden=${hidden}></holdall-import>`;
    return html`<holdall-scope .scope=${scope} .route=${route} ?hidden=${hidden}></holdall-scope>`;
  }

  /** A link is followed by the browser, but for where the address is left alone, and for a page that is left open as it was. */
  #choose(event: Event, name: PageName) {
    if (this.routing !== "none") return;
    event.preventDefault();
    this._route = { page: name, rest: [] };
  }

  #move(move: Move) {
    // Something else may be open before a dialog has said that it was closed.
    const now = this.routing === "none" ? this._route : parseRoute(location.hash);
    if (move.how === "up" && (now === null || !isWithin(now, move.from))) return;
    const [page = "", ...rest] = move.to;
    if (this.routing === "none") this._route = { page, rest };
    else this.#address.move(move);
  }
}

function unknown(page: string) {
  return html`<section class="card stack" role="status">
    <h2>There is no page “${page}”</h2>
    <p class="muted">The address may be cut off or mistyped. These are the pages there are:</p>
    <p class="row">${pages.map(({ name, label }) => html`<a class="button" href=${hashOf([name])}>${label}</a>`)}</p>
  </section>`;
}

customElements.define("holdall-backup", HoldallBackup);
