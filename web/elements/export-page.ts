import { css, html, nothing } from "lit";
import type { Api, Estimate, ExportChoice, ScopeDescription, ScopeOption } from "../api.ts";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { counted, number, size, speed, words } from "../format.ts";
import { go } from "../route.ts";
import { type Exported, type ExportState, type Maker, makers, runExport } from "../run-export.ts";
import { BundleClient } from "../worker/client.ts";
import "./export-result.ts";
import "./problem-note.ts";
import "./progress-bar.ts";
import "./size-picture.ts";
import "./tenant-choice.ts";

/** What goes in, how large it will be, and the export itself. */
export class ExportPage extends PageElement {
  static override properties = properties(
    "scope api",
    "_options _tenants _maker _estimate _estimateError _state _result _error _cancelled",
  );
  static override styles = [
    super.styles,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr);
        gap: 1rem;
        align-items: start;
      }

      .card + .card {
        margin-top: 0;
      }

      .choice p {
        margin-top: 0.125rem;
      }

      .effect {
        margin-top: 0.375rem;
        color: var(--_muted);
        font-size: 0.8125rem;
      }

      .side {
        position: sticky;
        top: 1rem;
      }

      .big {
        font: 650 1.75rem / 1.2 var(--_font);
        letter-spacing: -0.02em;
      }

      .actions button {
        flex: 1;
      }

      @media (max-width: 50rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }

        .side {
          position: static;
        }
      }
    `,
  ];
  declare scope: ScopeDescription;
  declare api: Api;
  declare _options: Record<string, boolean> | null;
  /** Keys of the tenants that are chosen, `null` for all. */
  declare _tenants: string[] | null;
  declare _maker: Maker;
  declare _estimate: Estimate | null;
  declare _estimateError: unknown;
  declare _state: ExportState | null;
  declare _result: Exported | null;
  declare _error: unknown;
  declare _cancelled: boolean;
  readonly #client = new BundleClient();
  #stop = new AbortController();
  #asked = new AbortController();

  constructor() {
    super();
    this._options = null;
    this._tenants = null;
    this._maker = "browser";
    this._estimate = null;
    this._state = null;
    this._result = null;
    this._cancelled = false;
  }

  override willUpdate() {
    if (this._options !== null) return;
    this._options = Object.fromEntries(this.scope.options.map((option) => [option.name, option.default]));
    void this.#ask();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop.abort();
    void this.#client.close().catch(() => {});
  }

  override render() {
    const isBusy = this._state !== null;
    return html`<div class="columns">
      <section class="card stack" aria-label="Options">
        <fieldset ?disabled=${isBusy}>
          <legend>What goes in</legend>
          <div class="choices">${this.scope.options.map((option) => this.#option(option))}</div>
        </fieldset>
        ${this.#whose(isBusy)}
        <fieldset ?disabled=${isBusy}>
          <legend>How it is made</legend>
          <div class="choices">
            ${makers.map(
              ({ name, label, description }) => html`<label class="choice">
                <input
                  type="radio"
                  name="maker"
                  .checked=${name === this._maker}
                  @change=${() => {
                    this._maker = name;
                  }}
                />
                <span><span class="label">${label}</span><p class="muted small">${description}</p></span>
              </label>`,
            )}
          </div>
        </fieldset>
        ${this.#never()}
      </section>
      <section class="card stack side" aria-label="The bundle">${isBusy ? this.#progress() : this.#summary()}</section>
    </div>`;
  }

  #whose(isBusy: boolean) {
    const { tenants } = this.scope;
    if (tenants === null) return nothing;
    return html`<fieldset ?disabled=${isBusy}>
      <legend>Whose data</legend>
      <holdall-tenants
        .api=${this.api}
        .table=${tenants.table}
        ?inert=${isBusy}
        @chosen=${(event: CustomEvent<string[] | null>) => {
          this._tenants = event.detail;
          void this.#ask();
        }}
      ></holdall-tenants>
    </fieldset>`;
  }

  get #choice(): ExportChoice {
    return { options: this._options!, tenants: this._tenants };
  }

  #option(option: ScopeOption) {
    const isOn = this._options![option.name] === true;
    return html`<label class="choice">
      <input
        type="checkbox"
        name=${option.name}
        .checked=${isOn}
        @change=${(event: Event) => this.#set(option.name, (event.target as HTMLInputElement).checked)}
      />
      <span>
        <span class="label">${option.label}</span>
        <p class="muted small">${option.description}</p>
        ${effects(this.scope, option.name, isOn).map((line) => html`<p class="effect">${line}</p>`)}
      </span>
    </label>`;
  }

  #never() {
    const why = this.scope.ignored_options["include_secrets"];
    return html`<div class="note">
      ${icon("lock")}
      <div>
        ${why === undefined ? "Only what the scope lists leaves." : `${why[0]?.toUpperCase()}${why.slice(1)}.`}
        <a href="#/scope" @click=${this.#toScope}>Every table and column, in or out, and why</a>
      </div>
    </div>`;
  }

  /** By the page around, which may leave the address alone. */
  readonly #toScope = (event: Event) => {
    event.preventDefault();
    go(this, "push", "scope");
  };

  #summary() {
    const { _estimate: estimate } = this;
    const isNobody = this._tenants?.length === 0;
    return html`<div>
        <p class="muted small">The bundle will have about</p>
        <p class="big" role="status">${estimate === null ? (this._estimateError === undefined ? "…" : "?") : size(estimate.bundle_bytes)}</p>
        ${estimate === null ? nothing : html`<p class="muted">${this.#contents(estimate)}</p>`}
      </div>
      ${
        estimate === null
          ? nothing
          : html`<holdall-picture
              label="Estimated bytes by table, and files"
              .parts=${[
                ...estimate.tables.map(({ table, bytes }) => ({ name: words(table), bytes, kind: "table" as const })),
                { name: "file contents", bytes: estimate.files.bytes, kind: "file" as const },
              ]}
            ></holdall-picture>`
      }
      <holdall-problem .error=${this._estimateError}></holdall-problem>
      <div class="row actions">
        <button class="primary" ?disabled=${isNobody} @click=${this.#run}>${icon("down")}Export</button>
      </div>
      ${isNobody ? html`<p class="muted small">Choose at least one under “Whose data”.</p>` : nothing}
      ${this._cancelled ? html`<p class="muted" role="status">The export was cancelled; nothing was kept.</p>` : nothing}
      <holdall-problem .error=${this._error}>
        <p class="small">No file was left that looks complete.</p>
      </holdall-problem>
      ${this._result === null ? nothing : html`<holdall-export-result .result=${this._result}></holdall-export-result>`}`;
  }

  #contents({ rows, files, tables }: Estimate): string {
    const about = tables.every(({ exact }) => exact) ? "" : "about ";
    return `${about}${counted(rows, "row")} in ${counted(tables.length, "table")}, ${counted(files.count, "file")} (${size(files.bytes)})`;
  }

  #progress() {
    const { bytes, pack } = this._state!;
    const total = this._estimate?.bytes ?? 0;
    // What is estimated is never said to be done.
    const value = total === 0 || this._maker === "server" ? null : Math.min(0.99, bytes / total);
    const detail = pack === undefined ? size(bytes) : `${size(bytes)}, ${speed(pack.bytesPerSecond)}`;
    return html`<div>
        <h2>Exporting</h2>
        <p class="muted">${pack === undefined ? "Bytes go straight into the file." : now(pack)}</p>
      </div>
      <holdall-progress label="Export" .value=${value} .text=${pack === undefined ? "Saving" : "Packing"} .detail=${detail}></holdall-progress>
      ${
        pack === undefined
          ? nothing
          : html`<p class="muted small">
              ${counted(pack.tables, "table")}, ${counted(pack.rows, "row")}, ${counted(pack.files, "file")}; ${size(pack.bytesWritten)} written
            </p>`
      }
      <div class="row actions"><button @click=${() => this.#stop.abort()}>Cancel</button></div>`;
  }

  #set(name: string, isOn: boolean) {
    this._options = { ...this._options, [name]: isOn };
    void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asked.abort();
    this.#asked = new AbortController();
    const { signal } = this.#asked;
    if (this._tenants?.length === 0) {
      this._estimate = null;
      return;
    }
    try {
      const estimate = await this.api.estimate(this.#choice, signal);
      if (!signal.aborted) [this._estimate, this._estimateError] = [estimate, undefined];
    } catch (error) {
      if (!signal.aborted) [this._estimate, this._estimateError] = [null, error];
    }
  }

  readonly #run = async (): Promise<void> => {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    [this._error, this._result, this._cancelled] = [undefined, null, false];
    try {
      this._result = await runExport(this._maker, {
        api: this.api,
        client: this.#client,
        choice: this.#choice,
        signal,
        onProgress: (state) => {
          this._state = state;
        },
      });
    } catch (error) {
      if (signal.aborted) this._cancelled = true;
      else this._error = error;
    } finally {
      this._state = null;
    }
  };
}

function now({ entry }: NonNullable<ExportState["pack"]>): string {
  if (entry.kind === "file") return "Files …";
  if (entry.kind === "document") return "Manifest and checksums …";
  return `Table ${words(entry.path.replace(/^data\/|\.json$/g, ""))} …`;
}

/** What an option brings, or what its absence leaves out. */
function effects(scope: ScopeDescription, name: string, isOn: boolean): string[] {
  const tables = scope.tables.filter((table) => table.option?.name === name).map((table) => words(table.name));
  const owners = scope.tables.filter((table) => table.stored_objects?.option === name).map((table) => words(table.name));
  const lines: string[] = [];
  if (tables.length > 0)
    lines.push(`${isOn ? "Includes" : "Leaves out"} ${tables.length === 1 ? "the table" : "the tables"} ${tables.join(", ")}.`);
  if (owners.length > 0) {
    lines.push(
      isOn ? `Includes the contents of ${owners.join(", ")}.` : `Rows of ${owners.join(", ")} leave without their contents.`,
    );
  }
  if (scope.settings?.option === name)
    lines.push(`${number(scope.settings.included.length)} settings, listed by name; never a secret.`);
  return lines;
}

customElements.define("holdall-export", ExportPage);
