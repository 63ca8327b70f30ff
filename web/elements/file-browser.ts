import { css, html, LitElement, nothing } from "lit";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { counted, size } from "../format.ts";
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
export class FileBrowser extends LitElement {
  static override properties = {
    client: { attribute: false },
    count: { type: Number },
    _total: { state: true },
    _chosen: { state: true },
  };
  static override styles = [
    base,
    controls,
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
  declare _total: number | null;
  declare _chosen: FileRow | null;
  readonly #pages = new Map<number, FileRow[] | null>();

  constructor() {
    super();
    this._total = null;
    this._chosen = null;
  }

  override render() {
    const total = this._total ?? this.count;
    if (total === 0) return html`<p class="muted">The bundle has no files.</p>`;
    return html`<div class="frame">
        <holdall-list
          .total=${total}
          label="Files"
          .head=${this.#head()}
          .draw=${(index: number) => this.#line(index)}
          @range=${this.#range}
        ></holdall-list>
      </div>
      ${
        this._chosen === null
          ? nothing
          : html`<holdall-file
              .client=${this.client}
              .file=${this._chosen}
              @close=${() => {
                this._chosen = null;
              }}
            ></holdall-file>`
      }`;
  }

  #head() {
    return html`<div role="row" class="line">
      <span role="columnheader" class="cell wide">Name</span>
      <span role="columnheader" class="cell narrow">Size</span>
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
          @click=${() => {
            this._chosen = file;
          }}
        >
          ${file.name}
        </button></span
      >
      <span role="cell" class="cell narrow">${file.size === null ? "unknown" : size(file.size)}</span>
      <span role="cell" class="cell">${file.contentType ?? ""}</span>
      <span role="cell" class="cell">${states[file.stored]}</span>
    </div>`;
  }

  readonly #range = (event: CustomEvent<{ from: number; last: number }>) => {
    const { from, last } = event.detail;
    for (let page = Math.floor(from / pageFiles); page * pageFiles < last; page++) void this.#fetch(page);
  };

  async #fetch(page: number): Promise<void> {
    if (this.#pages.has(page)) return;
    this.#pages.set(page, null);
    try {
      const { files, total } = await this.client.files(page * pageFiles, pageFiles);
      this.#pages.set(page, files);
      this._total = total;
    } catch {
      this.#pages.delete(page);
    }
    this.requestUpdate();
  }
}

export const filesNote = (count: number, bytes: number) => `${counted(count, "file")}, ${size(bytes)}`;

customElements.define("holdall-files", FileBrowser);
