import { css, html, nothing } from "lit";
import type { Api } from "../api.ts";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { percent, size } from "../format.ts";
import { type Unfinished, UnfinishedUploads } from "../unfinished.ts";

const tusVersion = { "Tus-Resumable": "1.0.0" };

/** Finds an upload that was interrupted, by a reload for one, and says how to go on with it. */
export class UnfinishedBanner extends PageElement {
  static override properties = properties("api", "_found _sent");
  static override styles = [
    super.styles,
    css`
      .note {
        align-items: center;
      }

      strong {
        font-weight: 600;
      }
    `,
  ];
  declare api: Api;
  declare _found: Unfinished | null;
  declare _sent: number;
  #uploads: UnfinishedUploads | undefined;

  constructor() {
    super();
    this._found = null;
    this._sent = 0;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#look();
  }

  override render() {
    if (this._found === null) return nothing;
    const { name, total } = this._found;
    const state =
      this._sent === total
        ? "was uploaded whole and not imported yet"
        : `was interrupted at ${percent(this._sent, total)} of ${size(total)}`;
    return html`<div class="note" role="status">
      ${icon("up")}
      <div>
        <p><strong>The upload of ${name} ${state}.</strong></p>
        <p class="muted small">Choose the same file again and compare it: it goes on from there.</p>
      </div>
      <button @click=${this.#discard}>Discard</button>
    </div>`;
  }

  async #look(): Promise<void> {
    this.#uploads = new UnfinishedUploads(this.api.base);
    const found = this.#uploads.read();
    if (found === null) return;
    const response = await fetch(found.url, { method: "HEAD", headers: tusVersion }).catch(() => null);
    if (response === null) return;
    if (response.status === 404 || response.status === 410) return this.#uploads.clear();
    if (!response.ok) return;
    this._sent = Number(response.headers.get("upload-offset"));
    this._found = found;
  }

  readonly #discard = async () => {
    const { url } = this._found!;
    this.#uploads!.clear();
    this._found = null;
    await fetch(url, { method: "DELETE", headers: tusVersion }).catch(() => null);
  };
}

customElements.define("holdall-unfinished", UnfinishedBanner);
