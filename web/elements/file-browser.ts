import { css, html, nothing } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { PageElement } from "../design/page-element.ts";
import { counted, size } from "../format.ts";
import { go, leave } from "../route.ts";
import type { BundleClient } from "../worker/client.ts";
import type { FileRow } from "../worker/protocol.ts";
import "./file-view.ts";
import "./virtual-list.ts";

const pageFiles = 1000;
const states: Record<FileRow["stored"], string> = {
  bundle: "",
  external: "not in the bundle",
  missing: "was missing",
  omitted: "left out, here already",
};

/** The files of a bundle: name, size, type, and a preview of each. */
export class FileBrowser extends PageElement {
  static override properties = {
    client: { attribute: false },
    count: { type: Number },
    file: { attribute: false },
    _total: { state: true },
    _chosen: { state: true },
    _isUnknown: { state: true },
  };
  static override styles = [
    super.styles,
    css`
      .frame {
        display: flex;
        height: min(28rem, 70vh);
        border: 1px solid var(--_line);
        border-radius: var(--_radius-small);
        overflow: hidden;
      }
    `,
  ];
  declare client: BundleClient;
  declare count: number;
  /** The id of the file that is open. */
  declare file: string | undefined;
  declare _total: number | null;
  declare _chosen: FileRow | null;
  declare _isUnknown: boolean;
  readonly #pages = new Map<number, FileRow[]>();
  readonly #fetching = new Map<number, Promise<void>>();

  constructor() {
    super();
    this._total = null;
    this._chosen = null;
    this._isUnknown = false;
  }

  override willUpdate(changed: Map<string, unknown>) {
    if (changed.has("file") && this.file !== this._chosen?.id) void this.#open(this.file);
  }

  /** By the list, which is in no order of ids. */
  async #open(id: string | undefined): Promise<void> {
    [this._chosen, this._isUnknown] = [null, false];
    if (id === undefined) return;
    for (let page = 0; page === 0 || page * pageFiles < (this._total ?? this.count); page++) {
      await this.#fetch(page);
      if (this.file !== id) return;
      this._chosen = this.#pages.get(page)?.find((file) => file.id === id) ?? null;
      if (this._chosen !== null) return;
    }
    this._isUnknown = true;
  }

  override render() {
    const total = this._total ?? this.count;
    if (total === 0) return html`<p class="muted">The bundle has no files.</p>`;
    return html`${this._isUnknown ? html`<p class="muted" role="status">This bundle has no file “${this.file}”, which the address asks for.</p>` : nothing}
      <div class="frame">
        <holdall-list
          .total=${total}
          label="Files"
          .head=${this.#head()}
          .draw=${(index: number) => this.#line(index)}
          @range=${this.#range}
        ></holdall-list>
      </div>
      ${this._chosen === null ? nothing : this.#view(this._chosen)}`;
  }

  #view(file: FileRow) {
    return keyed(
      file.id,
      html`<holdall-file
        .client=${this.client}
        .file=${file}
        @close=${() => leave(this, ["import", "files", file.id], ["import", "files"])}
      ></holdall-file>`,
    );
  }

  #head() {
    return html`<div role="row" class="line">
      <span role="columnheader" class="cell wide">Name</span>
      <span role="columnheader" class="cell narrow number">Size</span>
      <span role="columnheader" class="cell">Type</span>
      <span role="columnheader" class="cell">State</span>
    </div>`;
  }

  #line(index: number) {
    const file = this.#pages.get(Math.floor(index / pageFiles))?.[index % pageFiles];
    if (file === undefined) return html`<div role="row" class="line"><span role="cell" class="cell">…</span></div>`;
    return html`<div role="row" class="line" aria-rowindex=${index + 1}>
      <span role="cell" class="cell wide"
        ><button
          class="link"
          aria-label=${`Look at ${file.name}`}
          @click=${() => go(this, "push", "import", "files", file.id)}
        >
          ${file.name}
        </button></span
      >
      <span role="cell" class="cell narrow number">${file.size === null ? "unknown" : size(file.size)}</span>
      <span role="cell" class="cell">${file.contentType ?? ""}</span>
      <span role="cell" class="cell">${states[file.stored]}</span>
    </div>`;
  }

  readonly #range = (event: CustomEvent<{ from: number; last: number }>) => {
    const { from, last } = event.detail;
    for (let page = Math.floor(from / pageFiles); page * pageFiles < last; page++) void this.#fetch(page);
  };

  #fetch(page: number): Promise<void> {
    const asked = this.#fetching.get(page) ?? this.#ask(page);
    this.#fetching.set(page, asked);
    return asked;
  }

  async #ask(page: number): Promise<void> {
    try {
      const { files, total } = await this.client.files(page * pageFiles, pageFiles);
      this.#pages.set(page, files);
      this._total = total;
    } catch {
      this.#fetching.delete(page);
    }
    this.requestUpdate();
  }
}

export const filesNote = (count: number, bytes: number) => `${counted(count, "file")}, ${size(bytes)}`;

customElements.define("holdall-files", FileBrowser);
