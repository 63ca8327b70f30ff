import { css, html, nothing, svg } from "lit";
import type { ScopeDescription, ScopeTable } from "../api.ts";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { counted, words } from "../format.ts";
import { go } from "../route.ts";

/** Every table and column: in or out, and why. */
export class ScopePage extends PageElement {
  static override properties = properties("scope route", "_filter");
  static override styles = [
    super.styles,
    css`
      .note {
        margin-bottom: 1rem;
      }

      .intro p {
        margin-top: 0.25rem;
        max-width: 46rem;
      }

      input {
        width: min(100%, 20rem);
      }

      details {
        border-top: 1px solid var(--_line);
      }

      summary {
        display: flex;
        align-items: center;
        gap: 0.75rem;
        padding: 0.75rem 0;
        cursor: pointer;
        list-style: none;
      }

      summary::-webkit-details-marker {
        display: none;
      }

      summary > svg.icon {
        color: var(--_muted);
        transition: transform 0.12s;
      }

      details[open] > summary > svg.icon {
        transform: rotate(90deg);
      }

      summary .name {
        font-weight: 600;
        flex: 1 1 auto;
        min-width: 0;
      }

      .share {
        width: 4.5rem;
        height: 0.375rem;
        border-radius: 999px;
        flex: none;
      }

      .share .in {
        fill: var(--_tables);
      }

      .share .no {
        fill: var(--_skipped);
      }

      .sums {
        width: 5.5rem;
        text-align: right;
      }

      h2 + .muted,
      .muted + .columns {
        margin-top: 0.5rem;
      }

      .body {
        display: grid;
        gap: 0.75rem;
        padding: 0 0 1rem 1.875rem;
      }

      .columns {
        display: flex;
        flex-wrap: wrap;
        gap: 0.375rem;
      }

      .columns .chip {
        font-family: var(--_mono);
        white-space: normal;
      }

      dl {
        display: grid;
        grid-template-columns: minmax(8rem, 14rem) minmax(0, 1fr);
        gap: 0.375rem 1rem;
      }

      dt {
        font: 0.8125rem / 1.7 var(--_mono);
      }

      dd {
        color: var(--_muted);
      }

      .out {
        display: flex;
        align-items: baseline;
        gap: 0.5rem;
      }

      .out svg.icon {
        color: var(--_bad);
        font-size: 0.8125rem;
      }

      h2 + dl,
      h2 + .tables {
        margin-top: 0.75rem;
      }

      @media (max-width: 34rem) {
        dl {
          grid-template-columns: minmax(0, 1fr);
          gap: 0;
        }

        dd {
          margin-bottom: 0.625rem;
        }

        .body {
          padding-left: 0;
        }

        .notes,
        .share {
          display: none;
        }
      }
    `,
  ];
  declare scope: ScopeDescription;
  /** Name of the table that is open. */
  declare route: readonly string[] | undefined;
  declare _filter: string;
  readonly #open = new Set<string>();

  constructor() {
    super();
    this._filter = "";
  }

  override render() {
    const { scope } = this;
    const tables = scope.tables.filter((table) => this.#matches(table));
    const stays = Object.entries(scope.excluded_tables).filter(([name, why]) => this.#says(`${name} ${why}`));
    const ignored = Object.entries(scope.ignored_options);
    return html`${this.#unknown()}
      <section class="card intro">
        <div class="row spread">
          <h2>What leaves and enters, and what never does</h2>
          <input
            type="text"
            placeholder="Find a table or column"
            aria-label="Find a table or column"
            @input=${(event: InputEvent) => {
              this._filter = (event.target as HTMLInputElement).value.toLowerCase();
            }}
          />
        </div>
        <p class="muted">
          ${scope.description} Only what is listed as included leaves this installation or enters it. Scope
          <code>${scope.name}</code>, version ${scope.version}.
        </p>
      </section>
      <section class="card" aria-label="Included tables">
        <h2>${counted(tables.length, "table")} included</h2>
        <div class="tables">${tables.map((table) => this.#table(table))}</div>
        ${tables.length === 0 ? html`<p class="muted">No included table or column has that in its name.</p>` : nothing}
      </section>
      <section class="card">
        <h2>${counted(stays.length, "table")} left out</h2>
        ${stays.length === 0 ? nothing : reasons(stays)}
      </section>
      ${scope.settings === null ? nothing : settings(scope.settings.included)}
      ${
        ignored.length === 0
          ? nothing
          : html`<section class="card">
              <h2>Options without effect</h2>
              ${reasons(ignored)}
            </section>`
      }`;
  }

  #unknown() {
    const [name] = this.route ?? [];
    if (name === undefined || this.scope.tables.some((table) => table.name === name)) return nothing;
    const why = this.scope.excluded_tables[name];
    const text = why === undefined ? "The scope has no table of this name." : `It is left out: ${why}.`;
    return html`<div class="note warn" role="status">${icon("warn")}<div><h3>${name}</h3><p>${text}</p></div></div>`;
  }

  override willUpdate(changed: Map<string, unknown>) {
    const [name] = this.route ?? [];
    if (changed.has("route") && name !== undefined) this.#open.add(name);
  }

  override updated(changed: Map<string, unknown>) {
    if (!changed.has("route")) return;
    this.renderRoot
      .querySelector<HTMLElement>(`details[data-table="${CSS.escape(this.route?.[0] ?? "")}"]`)
      ?.scrollIntoView({ block: "nearest" });
  }

  #table(table: ScopeTable) {
    const stays = Object.entries(table.excluded_columns);
    const isFound = this._filter !== "" && !table.name.includes(this._filter);
    return html`<details
      data-table=${table.name}
      ?open=${isFound || this.#open.has(table.name)}
      @toggle=${(event: Event) => this.#toggled(event, table.name)}
    >
      <summary>
        ${icon("right")}<span class="name">${words(table.name)}</span>
        <span class="notes row">${notes(table).map((note) => html`<span class="chip">${note}</span>`)}</span>
        ${share(table)}
        <span class="muted small sums">${table.columns.length} in${stays.length > 0 ? `, ${stays.length} out` : ""}</span>
      </summary>
      <div class="body">
        ${table.import_never === null ? nothing : html`<p>Exported and never imported: ${table.import_never}.</p>`}
        <div class="columns">${table.columns.map((column) => html`<span class="chip on">${column}</span>`)}</div>
        ${details(table).map((line) => html`<p class="muted small">${line}</p>`)} ${stays.length === 0 ? nothing : reasons(stays)}
      </div>
    </details>`;
  }

  /** The last one that was opened is in the address; what a search opens is not. */
  #toggled(event: Event, name: string) {
    if (this._filter !== "") return;
    if ((event.target as HTMLDetailsElement).open) {
      this.#open.add(name);
      if (this.route?.[0] !== name) go(this, "replace", "scope", name);
    } else {
      this.#open.delete(name);
      if (this.route?.[0] === name) go(this, "replace", "scope");
    }
  }

  #matches(table: ScopeTable): boolean {
    return this.#says([table.name, ...table.columns, ...Object.keys(table.excluded_columns)].join(" "));
  }

  #says(text: string): boolean {
    return text.toLowerCase().replaceAll("_", " ").includes(this._filter.replaceAll("_", " "));
  }
}

function notes(table: ScopeTable): string[] {
  return [
    table.import_never !== null && "never imported",
    table.append_only && "append-only",
    table.filtered && "some rows",
    table.stored_objects !== null && "with files",
    table.option !== null && words(table.option.name.replace(/^include_/, "")),
  ].filter((note) => note !== false);
}

function details(table: ScopeTable): string[] {
  const list = (columns: readonly string[]) => columns.join(", ");
  return [
    table.option !== null && `Only with the option “${words(table.option.name)}”; without it the table is ${table.option.off}.`,
    table.filtered && "A condition decides which rows leave.",
    table.rewritten_columns.length > 0 && `Cleaned on the way out: ${list(table.rewritten_columns)}.`,
    table.importer_columns.length > 0 && `Set to the importing admin: ${list(table.importer_columns)}.`,
    table.metadata_columns.length > 0 && `Metadata, refreshed by “Refresh metadata”: ${list(table.metadata_columns)}.`,
    table.append_only && "History: rows that are there already are never changed.",
  ].filter((line) => line !== false);
}

/** In and out as lengths; the numbers stand beside it. */
function share(table: ScopeTable) {
  const [inside, outside] = [table.columns.length, Object.keys(table.excluded_columns).length];
  const width = (100 * inside) / (inside + outside);
  return html`<svg class="share" aria-hidden="true">
    ${svg`<rect class="in" width=${`${width}%`} height="100%" /><rect class="no" x=${`${width}%`} width=${`${100 - width}%`} height="100%" />`}
  </svg>`;
}

function settings(included: readonly string[]) {
  return html`<section class="card">
    <h2>${counted(included.length, "setting")} written to the manifest</h2>
    <p class="muted">For the reader of a bundle; an import never applies them, and every other setting stays.</p>
    <div class="columns">${included.map((name) => html`<span class="chip on">${name}</span>`)}</div>
  </section>`;
}

function reasons(entries: [name: string, reason: string][]) {
  return html`<dl>
    ${entries.map(([name, reason]) => html`<dt class="out">${icon("cross")}${name}</dt><dd>${reason}</dd>`)}
  </dl>`;
}

customElements.define("holdall-scope", ScopePage);
