import { css, html } from "lit";
import { icon } from "../design/icons.ts";
import { PageElement } from "../design/page-element.ts";

/** A modal dialog with a heading. Closing it, by button, Escape or a click beside it, fires `close`. */
export class ModalDialog extends PageElement {
  static override properties = { heading: {}, note: {} };
  static override styles = [
    super.styles,
    css`
      dialog {
        display: flex;
        flex-direction: column;
        width: min(72rem, calc(100vw - 2rem));
        height: min(48rem, calc(100dvh - 2rem));
        max-width: none;
        max-height: none;
        padding: 0;
        border: 1px solid var(--_line);
        border-radius: var(--_radius);
        background: var(--_surface);
        color: var(--_text);
        box-shadow: 0 20px 60px #0006;
      }

      dialog::backdrop {
        background: light-dark(#1a223866, #000a);
      }

      header {
        display: flex;
        align-items: center;
        gap: 1rem;
        padding: 0.875rem 1rem 0.875rem 1.25rem;
        border-bottom: 1px solid var(--_line);
      }

      header > div {
        flex: 1;
        min-width: 0;
      }

      .body {
        flex: 1;
        min-height: 0;
        display: flex;
        flex-direction: column;
      }

      header button {
        min-height: 2.25rem;
        padding: 0.25rem 0.5rem;
      }

      @media (max-width: 40rem) {
        dialog {
          width: 100vw;
          height: 100dvh;
          margin: 0;
          border: 0;
          border-radius: 0;
        }
      }
    `,
  ];
  declare heading: string;
  declare note: string;

  constructor() {
    super();
    this.heading = "";
    this.note = "";
  }

  override render() {
    return html`<dialog aria-labelledby="heading" @close=${this.#closed} @click=${this.#beside}>
      <header>
        <div>
          <h2 id="heading">${this.heading}</h2>
          <p class="muted small">${this.note}</p>
        </div>
        <button class="plain" aria-label="Close" @click=${() => this.#dialog.close()}>${icon("cross")}</button>
      </header>
      <div class="body"><slot></slot></div>
    </dialog>`;
  }

  override firstUpdated() {
    this.#dialog.showModal();
  }

  get #dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog")!;
  }

  readonly #closed = () => this.dispatchEvent(new Event("close"));

  readonly #beside = (event: Event) => {
    if (event.target === this.#dialog) this.#dialog.close();
  };
}

customElements.define("holdall-dialog", ModalDialog);
