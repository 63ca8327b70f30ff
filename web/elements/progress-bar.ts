import { css, html, LitElement, nothing } from "lit";
import { base } from "../design/base.ts";

/** How far a piece of work has come: `value` from 0 to 1, or `null` while nobody knows. */
export class ProgressBar extends LitElement {
  static override properties = { value: {}, label: {}, text: {}, detail: {} };
  static override styles = [
    base,
    css`
      .line {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        gap: 0 1rem;
        margin-bottom: 0.375rem;
      }

      .text {
        font-weight: 550;
      }

      .detail {
        color: var(--_muted);
        font-variant-numeric: tabular-nums;
      }

      svg {
        display: block;
        width: 100%;
        height: 0.5rem;
        border-radius: 999px;
        background: var(--_line);
      }

      rect {
        fill: var(--_accent);
        transition: width 0.15s linear;
      }

      .unknown {
        animation: pass 1.4s ease-in-out infinite;
      }

      @keyframes pass {
        from {
          transform: translateX(-30%);
        }
        to {
          transform: translateX(100%);
        }
      }

      @media (prefers-reduced-motion: reduce) {
        .unknown {
          transform: translateX(35%);
        }
      }
    `,
  ];
  declare value: number | null;
  declare label: string;
  declare text: string;
  declare detail: string;

  constructor() {
    super();
    this.value = null;
    this.label = "Progress";
    this.text = "";
    this.detail = "";
  }

  override render() {
    const percent = this.value === null ? null : Math.max(0, Math.min(100, this.value * 100));
    return html`<div class="line">
        <span class="text">${this.text}</span>
        ${this.detail ? html`<span class="detail small">${this.detail}</span>` : nothing}
      </div>
      <div
        role="progressbar"
        aria-label=${this.label}
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow=${percent === null ? nothing : Math.round(percent)}
        aria-valuetext=${`${this.text} ${this.detail}`.trim() || nothing}
      >
        <svg preserveAspectRatio="none" aria-hidden="true">
          <rect class=${percent === null ? "unknown" : ""} height="100%" rx="4" width=${percent === null ? "30%" : `${percent}%`} />
        </svg>
      </div>`;
  }
}

customElements.define("holdall-progress", ProgressBar);
