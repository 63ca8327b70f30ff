import { css, html, nothing } from "lit";
import { icon } from "../design/icons.ts";
import { PageElement, properties } from "../design/page-element.ts";
import type { RemoteBundle } from "../worker/protocol.ts";

const steps = [
  {
    icon: "sound",
    title: "Check it here",
    text: "Every byte against its checksums, on this computer. Look at every row and file.",
  },
  {
    icon: "up",
    title: "Compare",
    text: "Only what is missing here is uploaded. See row by row, field by field, what would change.",
  },
  { icon: "check", title: "Import exactly that", text: "The plan that you have seen, in one transaction, or nothing at all." },
] as const;

/** Where a bundle comes from: a file, chosen or dropped, or an address. Fires `chosen` with either. */
export class DropZone extends PageElement {
  static override properties = properties("", "_isOver _asks");
  static override styles = [
    super.styles,
    css`
      .zone {
        display: grid;
        justify-items: center;
        gap: 0.5rem;
        padding: clamp(2rem, 7vw, 4rem) 1rem;
        border: 2px dashed var(--_line-strong);
        border-radius: var(--_radius);
        background: var(--_surface);
        text-align: center;
        transition: background 0.12s;
      }

      .zone.over {
        border-color: var(--_accent);
        background: var(--_accent-soft);
      }

      .zone > svg.icon {
        padding: 0.75rem;
        width: 3.5rem;
        height: 3.5rem;
        border-radius: 50%;
        background: var(--_accent-soft);
        color: var(--_accent);
      }

      .zone h2 {
        margin-top: 0.5rem;
      }

      .zone p {
        max-width: 32rem;
      }

      .ways {
        margin-top: 1rem;
        justify-content: center;
      }

      input[type="file"] {
        position: absolute;
        width: 1px;
        height: 1px;
        opacity: 0;
      }

      label.button:focus-within {
        outline: 2px solid var(--_accent);
        outline-offset: 2px;
      }

      form {
        width: min(100%, 32rem);
        margin-top: 0.5rem;
      }

      .steps {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
        gap: 1rem 2rem;
        margin-top: 2rem;
        padding: 0 0.5rem;
        list-style: none;
      }

      .steps li {
        display: flex;
        gap: 0.75rem;
      }

      .steps svg.icon {
        margin-top: 0.125rem;
        font-size: 1.25rem;
        color: var(--_accent);
      }

      form input {
        flex: 1;
        min-width: 10rem;
      }
    `,
  ];
  declare _isOver: boolean;
  declare _asks: boolean;

  constructor() {
    super();
    this._isOver = false;
    this._asks = false;
  }

  override render() {
    return html`<div
      class=${`zone ${this._isOver ? "over" : ""}`}
      @dragover=${this.#over}
      @dragleave=${() => {
        this._isOver = false;
      }}
      @drop=${this.#drop}
    >
      ${icon("bag")}
      <h2>Drop a bundle here</h2>
      <p class="muted">It is opened and checked in this browser. Nothing is sent anywhere until you compare it with this installation.</p>
      <div class="row ways">
        <label class="button primary"
          >Choose a file<input type="file" aria-label="Bundle file" accept=".zip,.ndjson,application/zip" @change=${this.#picked}
        /></label>
        <button
          aria-expanded=${this._asks}
          @click=${() => {
            this._asks = !this._asks;
          }}
        >
          Open an address
        </button>
      </div>
      ${
        this._asks
          ? html`<form class="row" @submit=${this.#address}>
                <input type="url" name="address" aria-label="Address of a bundle" placeholder="https://backups.example/latest.zip" required />
                <button>Open</button>
              </form>
              <p class="muted small">Its server has to allow ranges, and this page's origin.</p>`
          : nothing
      }
    </div>
    <ol class="steps">
      ${steps.map(
        ({ icon: name, title, text }) => html`<li>
          ${icon(name)}
          <div><strong>${title}</strong><p class="muted small">${text}</p></div>
        </li>`,
      )}
    </ol>`;
  }

  #choose(origin: File | RemoteBundle) {
    this.dispatchEvent(new CustomEvent("chosen", { detail: origin }));
  }

  readonly #over = (event: DragEvent) => {
    event.preventDefault();
    this._isOver = true;
  };

  readonly #drop = (event: DragEvent) => {
    event.preventDefault();
    this._isOver = false;
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) this.#choose(file);
  };

  readonly #picked = (event: Event) => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file !== undefined) this.#choose(file);
    // The same file again is a choice, too.
    input.value = "";
  };

  readonly #address = (event: SubmitEvent) => {
    event.preventDefault();
    const address = String(new FormData(event.target as HTMLFormElement).get("address"));
    this.#choose({ address });
  };
}

customElements.define("holdall-drop", DropZone);
