import { css } from "lit";

/** What every element of the page has in common. */
export const base = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  :host {
    display: block;
    color: var(--_text);
    font: 400 0.9375rem / 1.5 var(--_font);
    overflow-wrap: anywhere;
  }

  [hidden],
  :host([hidden]) {
    display: none !important;
  }

  h1,
  h2,
  h3,
  h4,
  p,
  ul,
  ol,
  dl,
  dd,
  figure {
    margin: 0;
    padding: 0;
  }

  h2 {
    font: 650 1.1875rem / 1.3 var(--_font);
    letter-spacing: -0.01em;
    text-wrap: balance;
  }

  h3 {
    font: 600 0.9375rem / 1.4 var(--_font);
  }

  code,
  .mono {
    font: 0.8125rem / 1.5 var(--_mono);
  }

  .muted {
    color: var(--_muted);
  }

  .small {
    font-size: 0.8125rem;
  }

  .number {
    font-variant-numeric: tabular-nums;
    text-align: right;
  }

  .card {
    background: var(--_surface);
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    box-shadow: var(--_shadow);
    padding: clamp(1rem, 3vw, 1.5rem);
  }

  .card + .card {
    margin-top: 1rem;
  }

  .stack {
    display: grid;
    gap: 1rem;
    grid-template-columns: minmax(0, 1fr);
  }

  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem 0.75rem;
  }

  .spread {
    justify-content: space-between;
  }

  svg.icon {
    width: 1.125em;
    height: 1.125em;
    flex: none;
    vertical-align: -0.2em;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }

  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;
