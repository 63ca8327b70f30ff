import { css } from "lit";

/**
 * The design's values, set once on `<holdall-backup>` and inherited into every element below. An embedding page overrides what it
 * likes by the public names (`--holdall-…`); elements read the private ones (`--_…`) only.
 */
export const tokens = css`
  :host {
    color-scheme: var(--holdall-color-scheme, light dark);

    --_accent: var(--holdall-accent, light-dark(#2350b8, #8db0ff));
    --_on-accent: var(--holdall-on-accent, light-dark(#fff, #0b1533));
    --_ground: var(--holdall-ground, light-dark(#f5f6f9, #0f1218));
    --_surface: var(--holdall-surface, light-dark(#fff, #171b24));
    --_raised: var(--holdall-raised, light-dark(#f7f8fb, #1e2430));
    --_text: var(--holdall-text, light-dark(#161a24, #e7eaf2));
    --_muted: var(--holdall-muted, light-dark(#566074, #9fa9bd));
    --_line: var(--holdall-line, light-dark(#e1e5ed, #2b3342));
    --_line-strong: light-dark(#8a94a8, #67738a);
    --_accent-soft: color-mix(in oklab, var(--_accent) 10%, var(--_surface));

    --_good: light-dark(#1a7345, #6fd19a);
    --_good-soft: light-dark(#e7f5ed, #16281f);
    --_warn: light-dark(#8a5300, #eab766);
    --_warn-soft: light-dark(#fdf3e1, #2b2314);
    --_bad: light-dark(#b3261e, #ff9a92);
    --_bad-soft: light-dark(#fdecea, #311a1a);

    /* Parts of a plan and of a picture: distinct in lightness, too, for those who see colours otherwise. */
    --_new: light-dark(#2a9d63, #4fbf86);
    --_changed: light-dark(#2f66d8, #7ba6ff);
    --_same: light-dark(#c3cad6, #47526a);
    --_kept: light-dark(#8f9bb0, #77839c);
    --_skipped: light-dark(#d98a1f, #e0a04a);
    --_tables: light-dark(#3a67c7, #6f9af3);
    --_files: light-dark(#2a8c86, #52b8b0);

    --_radius: var(--holdall-radius, 12px);
    --_radius-small: calc(var(--_radius) * 0.6);
    --_shadow: 0 1px 2px light-dark(#1a223810, #0004), 0 4px 16px light-dark(#1a22380a, #0003);
    --_font: var(--holdall-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
    --_mono: var(--holdall-mono, ui-monospace, "SF Mono", "Cascadia Code", "Noto Sans Mono", Menlo, monospace);
  }
`;
