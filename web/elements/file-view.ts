import { css, html, nothing } from "lit";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { type Preview, previewOf } from "../file-preview.ts";
import { size } from "../format.ts";
import { download } from "../save-file.ts";
import type { BundleClient } from "../worker/client.ts";
import type { FileContent, FileRow } from "../worker/protocol.ts";
import "./modal-dialog.ts";
import "./problem-note.ts";

/** Larger images are not shown. */
const mostBytes = 32 * 1024 * 1024;

/** One file of a bundle: what is known of it, and its content as an image or as text. */
export class FileView extends PageElement {
  static override properties = properties("client file", "_content _preview _error");
  static override styles = [
    super.styles,
    css`
      .facts {
        display: grid;
        grid-template-columns: 8rem minmax(0, 1fr);
        gap: 0.25rem 1rem;
        padding: 0.875rem 1.25rem;
        border-bottom: 1px solid var(--_line);
        font-size: 0.8125rem;
      }

      dt {
        color: var(--_muted);
      }

      @media (max-width: 34rem) {
        .facts {
          grid-template-columns: minmax(0, 1fr);
          gap: 0;
        }

        dd {
          margin-bottom: 0.375rem;
        }
      }

      .view {
        flex: 1;
        min-height: 0;
        overflow: auto;
        padding: 1.25rem;
      }

      img {
        display: block;
        max-width: 100%;
        max-height: 100%;
        margin: 0 auto;
        border-radius: 4px;
      }

      pre {
        margin: 0;
        white-space: pre-wrap;
        font: 0.8125rem / 1.5 var(--_mono);
      }

      .tools {
        padding: 0.625rem 1.25rem;
        border-top: 1px solid var(--_line);
      }
    `,
  ];
  declare client: BundleClient;
  declare file: FileRow;
  declare _content: FileContent | null;
  declare _preview: Preview | null;
  declare _error: unknown;
  readonly #stop = new AbortController();

  constructor() {
    super();
    this._content = null;
    this._preview = null;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#load();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop.abort();
    if (this._preview?.kind === "image") URL.revokeObjectURL(this._preview.url);
  }

  override render() {
    const { file } = this;
    return html`<holdall-dialog
      .heading=${file.name}
      .note=${file.size === null ? "" : size(file.size)}
      @close=${() => this.dispatchEvent(new Event("close"))}
    >
      <dl class="facts">
        <dt>Object key</dt>
        <dd class="mono">${file.objectKey}</dd>
        <dt>Stated type</dt>
        <dd>${file.contentType ?? "none"}</dd>
        <dt>SHA-256</dt>
        <dd class="mono">${file.sha256 ?? "unknown"}</dd>
      </dl>
      <div class="view" tabindex="0" role="region" aria-label="Content">${this.#view()}</div>
      ${
        this._content === null || this._content.cut
          ? nothing
          : html`<div class="tools row">
              <button @click=${() => download(new Blob([this._content!.blob], { type: "application/octet-stream" }), file.name)}>
                ${icon("down")}Save this file
              </button>
            </div>`
      }
    </holdall-dialog>`;
  }

  #view() {
    if (this._error !== undefined) return html`<holdall-problem .error=${this._error}></holdall-problem>`;
    const preview = this._preview;
    if (this.file.stored !== "bundle") return html`<p class="muted">The bundle does not carry this file's content.</p>`;
    if (preview === null) return html`<p class="muted" role="status">Loading …</p>`;
    if (preview.kind === "image") return html`<img src=${preview.url} alt=${`Preview of ${this.file.name}`} />`;
    if (preview.kind === "none") return html`<p class="muted">${preview.why}</p>`;
    return html`<pre>${preview.text}</pre>
      ${preview.cut ? html`<p class="muted">… and more, which is not shown.</p>` : nothing}`;
  }

  async #load(): Promise<void> {
    if (this.file.stored !== "bundle" || this.file.path === null) return;
    try {
      const content = await this.client.fileBlob(this.file.path, mostBytes, { signal: this.#stop.signal });
      this._preview = content.cut ? { kind: "none", why: "This is too large to be shown." } : await previewOf(content.blob);
      this._content = content;
    } catch (error) {
      if (!this.#stop.signal.aborted) this._error = error;
    }
  }
}

customElements.define("holdall-file", FileView);
