import { css, html, nothing } from "lit";
import type { Api, ScopeDescription } from "../api.ts";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { words } from "../format.ts";
import { go } from "../route.ts";
import { BundleClient } from "../worker/client.ts";
import type { Inspection, RemoteBundle, VerificationReport, WorkProgress } from "../worker/protocol.ts";
import "./bundle-contents.ts";
import "./bundle-head.ts";
import "./bundle-verdict.ts";
import "./compare-panel.ts";
import "./drop-zone.ts";
import "./problem-note.ts";
import "./progress-bar.ts";
import "./unfinished-banner.ts";

/** A bundle from its choice to its import: what it says, whether it is sound, what is inside, what it would change. */
export class ImportPage extends PageElement {
  static override properties = properties(
    "scope api route",
    "_origin _acceptNameMismatch _inspection _progress _report _cancelled _error",
  );
  static override styles = [
    super.styles,
    css`
      section.card > * + * {
        margin-top: 1.25rem;
      }

      holdall-unfinished + * {
        margin-top: 1rem;
      }

      .asked {
        margin-bottom: 1rem;
      }

      .again {
        margin-top: 1rem;
      }
    `,
  ];
  declare scope: ScopeDescription;
  declare api: Api;
  /** What of the bundle is open: `rows`, `files`, `warnings` or `plan`, and of which table or file. */
  declare route: readonly string[] | undefined;
  declare _origin: File | RemoteBundle | null;
  /** The person said so, having seen that the file's name says another hash than it has. */
  declare _acceptNameMismatch: boolean;
  declare _inspection: Inspection | null;
  declare _progress: WorkProgress | null;
  declare _report: VerificationReport | null;
  declare _cancelled: boolean;
  declare _error: unknown;
  readonly #client = new BundleClient();
  #stop = new AbortController();

  constructor() {
    super();
    this.#reset();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop.abort();
    void this.#client.close().catch(() => {});
  }

  override render() {
    if (this._origin === null) return this.#choice();
    if (this._error !== undefined && this._inspection === null) return this.#unreadable();
    const inspection = this._inspection;
    if (inspection === null) return this.#opening();
    const file = this._origin instanceof File ? this._origin : null;
    return html`<section class="card" aria-label="The bundle">
        <holdall-head .inspection=${inspection}><button @click=${this.#close}>Choose another</button></holdall-head>
        ${
          this._error === undefined
            ? html`<holdall-verdict
                .progress=${this._progress}
                .report=${this._report}
                ?cancelled=${this._cancelled}
                @cancel=${() => this.#stop.abort()}
                @again=${this.#verify}
                @accept-name=${() => this.#open(this._origin!, true)}
              ></holdall-verdict>`
            : html`<holdall-problem .error=${this._error}></holdall-problem>`
        }
      </section>
      <section class="card" aria-label="Contents">
        <holdall-contents .inspection=${inspection} .client=${this.#client} .route=${this.route}></holdall-contents>
      </section>
      <section class="card" aria-label="Comparison">
        <holdall-compare
          .api=${this.api}
          .client=${this.#client}
          .scope=${this.scope}
          .inspection=${inspection}
          .file=${file}
          .isSound=${this._report?.valid === true}
          .acceptNameMismatch=${this._acceptNameMismatch}
          .route=${this.route}
          @again=${this.#close}
        ></holdall-compare>
      </section>`;
  }

  #choice() {
    return html`<holdall-unfinished .api=${this.api}></holdall-unfinished>
      ${this.#asked()}
      <holdall-drop @chosen=${(event: CustomEvent<File | RemoteBundle>) => this.#open(event.detail)}></holdall-drop>`;
  }

  /** An address outlives the bundle that it was of: a browser opens no file by itself. */
  #asked() {
    const [what, which] = this.route ?? [];
    if (what === undefined) return nothing;
    const shown: Record<string, string> = {
      rows: `the rows of ${words(which ?? "a table")}`,
      files: "the files",
      warnings: "the warnings",
      plan: `the plan for ${words(which ?? "a table")}`,
    };
    const text =
      shown[what] === undefined
        ? `There is no part of a bundle that is called “${what}”.`
        : `This address shows ${shown[what]} of a bundle. Choose the bundle, and they are opened.`;
    return html`<div class="note asked" role="status">${icon("info")}<p>${text}</p></div>`;
  }

  #opening() {
    const { _progress: progress } = this;
    const value = progress === null || progress.bytesTotal === 0 ? null : progress.bytesDone / progress.bytesTotal;
    return html`<section class="card">
      <holdall-progress label="Opening" text="Opening the bundle …" .value=${value}></holdall-progress>
      <div class="row"><button @click=${this.#close}>Cancel</button></div>
    </section>`;
  }

  #unreadable() {
    const name = this._origin instanceof File ? this._origin.name : this._origin!.address;
    return html`<section class="card">
      <h2>${name}</h2>
      <holdall-problem .error=${this._error}>
        <p>Nothing of it was sent or changed.</p>
      </holdall-problem>
      <div class="row again"><button class="primary" @click=${this.#close}>Choose another</button></div>
    </section>`;
  }

  async #open(origin: File | RemoteBundle, acceptNameMismatch = false): Promise<void> {
    this.#reset();
    this._origin = origin;
    this._acceptNameMismatch = acceptNameMismatch;
    const { signal } = this.#stop;
    try {
      this._inspection = await this.#client.open(origin, { signal, onProgress: this.#onProgress, acceptNameMismatch });
      this._progress = null;
      await this.#verify();
    } catch (error) {
      if (!signal.aborted) this._error = error;
    }
  }

  readonly #verify = async (): Promise<void> => {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this._cancelled = false;
    try {
      this._report = await this.#client.verify({ signal, onProgress: this.#onProgress });
    } catch (error) {
      if (signal.aborted) this._cancelled = true;
      else this._error = error;
    }
    this._progress = null;
  };

  readonly #onProgress = (progress: WorkProgress) => {
    this._progress = progress;
  };

  readonly #close = () => {
    this.#stop.abort();
    this.#reset();
    if ((this.route ?? []).length > 0) go(this, "replace", "import");
    void this.#client.close().catch(() => {});
  };

  #reset() {
    this.#stop = new AbortController();
    this._origin = null;
    this._acceptNameMismatch = false;
    this._inspection = null;
    this._progress = null;
    this._report = null;
    this._cancelled = false;
    this._error = undefined;
  }
}

customElements.define("holdall-import", ImportPage);
