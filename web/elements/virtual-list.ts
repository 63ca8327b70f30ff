import { css, html, type TemplateResult } from "lit";
import { PageElement } from "../design/page-element.ts";

/** Browsers do not lay out taller elements; beyond, a pixel of the scroll bar stands for several. */
const tallest = 8_000_000;
/** Rows that are drawn above and below what is seen. */
const margin = 6;

/**
 * A list of any length, of which only what is seen is there. `draw(index)` gives one line; lines are equally tall. Fires
 * `range` with the first and last index that are drawn.
 */
export class VirtualList extends PageElement {
  static override properties = {
    total: { type: Number },
    lineHeight: { type: Number },
    label: {},
    draw: { attribute: false },
    head: { attribute: false },
    _first: { state: true },
    _seen: { state: true },
  };
  static override styles = [
    super.styles,
    css`
      :host {
        min-height: 0;
        flex: 1;
        position: relative;
      }

      .scroll {
        position: absolute;
        inset: 0;
        overflow: auto;
        overflow-anchor: none;
      }

      .head {
        position: sticky;
        top: 0;
        z-index: 1;
        width: max-content;
        min-width: 100%;
      }

      .space {
        position: relative;
        width: max-content;
        min-width: 100%;
      }

      .lines {
        position: absolute;
        left: 0;
        min-width: 100%;
      }

      /* Lines are drawn here, whoever describes them. */
      .line {
        display: flex;
        align-items: center;
        height: 34px;
        padding-right: 1.25rem;
        border-bottom: 1px solid var(--_line);
        white-space: nowrap;
      }

      .head .line {
        background: var(--_raised);
        color: var(--_muted);
        font-size: 0.8125rem;
        font-weight: 600;
      }

      .line:hover,
      .line.chosen {
        background: var(--_raised);
      }

      .line.chosen {
        box-shadow: inset 3px 0 var(--_accent);
      }

      .index {
        flex: none;
        width: 6.5rem;
        padding: 0 0.75rem 0 1.25rem;
        text-align: right;
        font-variant-numeric: tabular-nums;
      }

      .cell {
        flex: none;
        width: 12rem;
        padding: 0 0.75rem;
        overflow: hidden;
        text-overflow: ellipsis;
        font-size: 0.8125rem;
      }

      .cell.wide {
        flex: 1 0 16rem;
      }

      .cell.narrow {
        width: 7rem;
      }

      .cell.number {
        text-align: right;
      }

      @media (max-width: 34rem) {
        .index {
          width: 4.5rem;
          padding-left: 0.75rem;
        }

        .cell {
          width: 9rem;
        }

        .cell.wide {
          flex-basis: 12rem;
        }

        .cell.narrow {
          width: 6rem;
        }
      }

      .cell.null {
        color: var(--_muted);
        font-style: italic;
      }
    `,
  ];
  declare total: number;
  declare lineHeight: number;
  declare label: string;
  declare draw: (index: number) => TemplateResult;
  declare head: TemplateResult | undefined;
  declare _first: number;
  declare _seen: number;
  readonly #watcher = new ResizeObserver(() => this.#measure());

  constructor() {
    super();
    this.total = 0;
    this.lineHeight = 34;
    this.label = "";
    this._first = 0;
    this._seen = 20;
  }

  override render() {
    const last = Math.min(this.total, this._first + this._seen + margin);
    const from = Math.max(0, this._first - margin);
    const indexes = Array.from({ length: Math.max(0, last - from) }, (_, i) => from + i);
    return html`<div class="scroll" tabindex="0" role="table" aria-label=${this.label} aria-rowcount=${this.total} @scroll=${this.#scrolled}>
      ${this.head === undefined ? "" : html`<div class="head" role="rowgroup">${this.head}</div>`}
      <div class="space" role="rowgroup"><div class="lines" role="presentation">${indexes.map((index) => this.draw(index))}</div></div>
    </div>`;
  }

  override firstUpdated() {
    this.#watcher.observe(this);
    this.#measure();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#watcher.disconnect();
  }

  override updated(changed: Map<string, unknown>) {
    // By properties of the style: a policy that forbids inline styles forbids attributes.
    const space = this.renderRoot.querySelector<HTMLElement>(".space")!;
    const lines = this.renderRoot.querySelector<HTMLElement>(".lines")!;
    space.style.height = `${Math.min(tallest, this.total * this.lineHeight)}px`;
    const from = Math.max(0, this._first - margin);
    // Where the scale is not one to one, lines stand relative to where the scroll bar is now.
    const top = this.#isScaled ? this.#scroll.scrollTop - (this._first - from) * this.lineHeight : from * this.lineHeight;
    lines.style.top = `${top}px`;
    if (changed.has("total")) this.#measure();
    const last = Math.min(this.total, this._first + this._seen + margin);
    this.dispatchEvent(new CustomEvent("range", { detail: { from, last } }));
  }

  /** Whether a line is seen as a whole. */
  shows(index: number): boolean {
    return index >= this._first && index < this._first + this._seen - 2;
  }

  /** Brings a line to the top. */
  async jump(index: number): Promise<void> {
    await this.updateComplete;
    const target = Math.max(0, Math.min(this.total - 1, index));
    this.#scroll.scrollTop = this.#isScaled ? (target / this.#lastFirst) * this.#most : target * this.lineHeight;
    if (this.#isScaled) this._first = Math.min(target, this.#lastFirst);
    this.#exact = this._first;
  }

  /** What a jump asked for; a scaled scroll bar cannot say it that exactly. */
  #exact: number | undefined;

  get #scroll(): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>(".scroll")!;
  }

  get #isScaled(): boolean {
    return this.total * this.lineHeight > tallest;
  }

  get #most(): number {
    return Math.max(1, this.#scroll.scrollHeight - this.#scroll.clientHeight);
  }

  get #lastFirst(): number {
    return Math.max(0, this.total - this._seen + 1);
  }

  #measure() {
    this._seen = Math.max(1, Math.ceil(this.#scroll.clientHeight / this.lineHeight));
    this.#scrolled();
  }

  readonly #scrolled = () => {
    const { scrollTop } = this.#scroll;
    if (!this.#isScaled) this._first = Math.floor(scrollTop / this.lineHeight);
    else if (this.#exact !== undefined) {
      this._first = this.#exact;
      this.#exact = undefined;
    } else this._first = Math.round((scrollTop / this.#most) * this.#lastFirst);
    this.requestUpdate();
  };
}

customElements.define("holdall-list", VirtualList);
