import { css } from "lit";

/** Buttons, fields, chips and notes. */
export const controls = css`
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.5rem;
    min-height: 2.5rem;
    padding: 0.375rem 0.875rem;
    border: 1px solid var(--_line-strong);
    border-radius: var(--_radius-small);
    background: var(--_surface);
    color: var(--_text);
    font: 550 0.9375rem / 1.3 var(--_font);
    text-decoration: none;
    cursor: pointer;
    transition:
      background 0.12s,
      border-color 0.12s;
  }

  button:hover:not(:disabled),
  .button:hover {
    background: var(--_raised);
  }

  button:disabled {
    color: var(--_muted);
    border-color: var(--_line);
    cursor: not-allowed;
  }

  .primary {
    background: var(--_accent);
    border-color: var(--_accent);
    color: var(--_on-accent);
  }

  .primary:hover:not(:disabled) {
    background: color-mix(in oklab, var(--_accent) 88%, var(--_text));
  }

  .primary:disabled {
    background: var(--_raised);
  }

  .plain {
    border-color: transparent;
    background: transparent;
    padding-inline: 0.5rem;
  }

  a {
    color: var(--_accent);
    text-underline-offset: 0.2em;
  }

  .link {
    min-height: 0;
    padding: 0;
    border: 0;
    background: none;
    color: var(--_accent);
    font-weight: 500;
    justify-content: flex-start;
    text-align: left;
    text-decoration: underline;
    text-decoration-color: color-mix(in oklab, currentColor 35%, transparent);
    text-underline-offset: 0.2em;
  }

  .link:hover:not(:disabled) {
    background: none;
    text-decoration-color: currentColor;
  }

  .link:disabled {
    text-decoration: none;
  }

  input[type="text"],
  input[type="url"],
  input[type="number"],
  select {
    min-height: 2.5rem;
    padding: 0.375rem 0.625rem;
    border: 1px solid var(--_line-strong);
    border-radius: var(--_radius-small);
    background: var(--_surface);
    color: inherit;
    font: inherit;
  }

  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
    min-width: 0;
  }

  legend {
    padding: 0;
    margin-bottom: 0.5rem;
    font: 600 0.9375rem / 1.4 var(--_font);
  }

  input[type="radio"],
  input[type="checkbox"] {
    width: 1.125rem;
    height: 1.125rem;
    margin: 0.1875rem 0 0;
    flex: none;
    accent-color: var(--_accent);
  }

  .choice {
    display: flex;
    gap: 0.75rem;
    padding: 0.75rem 0.875rem;
    border: 1px solid var(--_line);
    border-radius: var(--_radius-small);
    cursor: pointer;
    transition: border-color 0.12s;
  }

  .choice:hover {
    border-color: var(--_line-strong);
  }

  .choice:has([type="radio"]:checked) {
    border-color: var(--_accent);
    background: var(--_accent-soft);
  }

  .choice:has(:disabled) {
    cursor: not-allowed;
  }

  .choice .label {
    font-weight: 600;
  }

  .choices {
    display: grid;
    gap: 0.5rem;
  }

  .chip {
    display: inline-flex;
    align-items: center;
    gap: 0.375rem;
    padding: 0.0625rem 0.5rem;
    border: 1px solid var(--_line);
    border-radius: 999px;
    color: var(--_muted);
    font-size: 0.8125rem;
    white-space: nowrap;
  }

  .chip.on {
    border-color: transparent;
    background: var(--_accent-soft);
    color: var(--_text);
  }

  .note {
    display: flex;
    gap: 0.75rem;
    padding: 0.875rem 1rem;
    border-radius: var(--_radius-small);
    border: 1px solid var(--_line);
    background: var(--_raised);
  }

  .note > svg.icon {
    margin-top: 0.15rem;
    font-size: 1.125rem;
  }

  .note > div {
    min-width: 0;
    flex: 1;
  }

  .note.good {
    background: var(--_good-soft);
    border-color: transparent;
  }

  .note.good > svg.icon {
    color: var(--_good);
  }

  .note.warn {
    background: var(--_warn-soft);
    border-color: transparent;
  }

  .note.warn > svg.icon {
    color: var(--_warn);
  }

  .note.bad {
    background: var(--_bad-soft);
    border-color: transparent;
  }

  .note.bad > svg.icon {
    color: var(--_bad);
  }
`;
