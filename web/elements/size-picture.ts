import { css, html, LitElement, nothing, svg } from "lit";
import { base } from "../design/base.ts";
import { type Box, treemap } from "../design/treemap.ts";
import { counted, percent, size } from "../format.ts";

export interface Part {
  name: string;
  bytes: number;
  kind: "table" | "file";
}

const gap = 2;
const height = 200;
/** Smaller ones become one box. */
const smallest = 0.004;

/** What takes how much room: a treemap of bytes. What it shows stands in tables beside it, too. */
export class SizePicture extends LitElement {
  static override properties = { parts: { attribute: false }, label: {}, _width: { state: true } };
  static override styles = [
    base,
    css`
      svg {
        display: block;
        width: 100%;
        border-radius: var(--_radius-small);
      }

      .table {
        fill: var(--_tables);
      }

      .file {
        fill: var(--_files);
      }

      text {
        fill: light-dark(#fff, #0c111b);
        font: 600 12px / 1 var(--_font);
        pointer-events: none;
      }

      .bytes {
        font-weight: 400;
      }

      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.25rem;
        margin-top: 0.625rem;
        list-style: none;
        font-size: 0.8125rem;
        color: var(--_muted);
      }

      li {
        display: flex;
        align-items: center;
        gap: 0.4375rem;
      }

      li svg {
        width: 0.75rem;
        height: 0.75rem;
        border-radius: 3px;
      }
    `,
  ];
  declare parts: Part[];
  declare label: string;
  declare _width: number;
  readonly #watcher = new ResizeObserver(([entry]) => {
    this._width = Math.round(entry!.contentRect.width);
  });

  constructor() {
    super();
    this.parts = [];
    this.label = "Bytes by part";
    this._width = 0;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#watcher.observe(this);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#watcher.disconnect();
  }

  override render() {
    const parts = grouped(this.parts);
    const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total === 0 || this._width === 0) return nothing;
    const area = { x: 0, y: 0, width: this._width, height };
    const boxes = treemap(
      parts.map(({ bytes }) => bytes),
      area,
    );
    return html`<svg viewBox="0 0 ${this._width} ${height}" height=${height} role="img" aria-label=${this.#summary(total)}>
        ${boxes.map((box, i) => drawn(box, parts[i]!, total))}
      </svg>
      <ul aria-hidden="true">
        ${(["table", "file"] as const).map((kind) => legend(kind, this.parts))}
      </ul>`;
  }

  #summary(total: number): string {
    const largest = grouped(this.parts).slice(0, 3);
    return `${this.label}: ${largest.map(({ name, bytes }) => `${name} ${percent(bytes, total)}`).join(", ")}`;
  }
}

function grouped(parts: Part[]): Part[] {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const large = parts.filter(({ bytes }) => bytes > total * smallest);
  const small = parts.filter(({ bytes }) => bytes > 0 && bytes <= total * smallest);
  const rest = small.reduce((sum, { bytes }) => sum + bytes, 0);
  const others: Part[] = rest === 0 ? [] : [{ name: counted(small.length, "smaller part"), bytes: rest, kind: small[0]!.kind }];
  return [...large, ...others].sort((a, b) => b.bytes - a.bytes);
}

function drawn(box: Box, { name, bytes, kind }: Part, total: number) {
  const [width, tall] = [Math.max(0, box.width - gap), Math.max(0, box.height - gap)];
  const fits = Math.floor((width - 16) / 7);
  const bytesText = size(bytes);
  const label = name.length <= fits ? name : fits > 4 ? `${name.slice(0, fits - 1)}…` : "";
  return svg`<g>
    <title>${name}: ${size(bytes)}, ${percent(bytes, total)}</title>
    <rect class=${kind} x=${box.x} y=${box.y} width=${width} height=${tall} rx="3" />
    ${label !== "" && tall > 22 ? svg`<text x=${box.x + 8} y=${box.y + 18}>${label}</text>` : nothing}
    ${label !== "" && tall > 42 && bytesText.length <= fits ? svg`<text class="bytes" x=${box.x + 8} y=${box.y + 34}>${bytesText}</text>` : nothing}
  </g>`;
}

function legend(kind: Part["kind"], parts: Part[]) {
  const bytes = parts.filter((part) => part.kind === kind).reduce((sum, part) => sum + part.bytes, 0);
  return html`<li>
    <svg viewBox="0 0 1 1"><rect class=${kind} width="1" height="1" /></svg>${kind === "table" ? "Rows" : "Files"} ${size(bytes)}
  </li>`;
}

customElements.define("holdall-picture", SizePicture);
