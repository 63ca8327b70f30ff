import { html, svg, type TemplateResult } from "lit";

const shapes = {
  check: svg`<path d="m5 12.5 4.5 4.5L19 7.5" />`,
  cross: svg`<path d="m6 6 12 12M18 6 6 18" />`,
  dash: svg`<path d="M6 12h12" />`,
  warn: svg`<path d="M12 4 2.8 19.5h18.4L12 4Z" /><path d="M12 10v4m0 2.6v.2" />`,
  stop: svg`<circle cx="12" cy="12" r="9" /><path d="m9 9 6 6m0-6-6 6" />`,
  sound: svg`<path d="M12 3 5 6v5.5c0 4.3 2.9 7.7 7 9.5 4.1-1.8 7-5.2 7-9.5V6l-7-3Z" /><path d="m8.8 12 2.3 2.3 4.2-4.5" />`,
  info: svg`<circle cx="12" cy="12" r="9" /><path d="M12 11v5m0-8.3v.2" />`,
  table: svg`<rect x="3.5" y="5" width="17" height="14" rx="2" /><path d="M3.5 10h17M10 10v9" />`,
  file: svg`<path d="M13.5 3.5H7a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V9l-5.5-5.5Z" /><path d="M13.5 3.5V9H19" />`,
  down: svg`<path d="M12 4v11m-4.5-4L12 15.5 16.5 11M5 20h14" />`,
  up: svg`<path d="M12 16V5m-4.5 4L12 4.5 16.5 9M5 20h14" />`,
  pause: svg`<path d="M9 6v12m6-12v12" />`,
  play: svg`<path d="M8 5.5v13l10.5-6.5L8 5.5Z" />`,
  right: svg`<path d="m9.5 6 6 6-6 6" />`,
  bag: svg`<rect x="3" y="8" width="18" height="12.5" rx="3" /><path d="M8.5 8V6.5a3.5 3.5 0 0 1 7 0V8M12 11.5v5.5m-2.5-2.3 2.5 2.5 2.5-2.5" />`,
  lock: svg`<rect x="5" y="10.5" width="14" height="10" rx="2" /><path d="M8.5 10.5V7.5a3.5 3.5 0 0 1 7 0v3" />`,
};

export type IconName = keyof typeof shapes;

/** Decoration: what it says stands beside it as text. */
export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${shapes[name]}</svg>`;
}
