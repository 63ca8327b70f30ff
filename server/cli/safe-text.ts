const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text from a bundle, a database or a server, made harmless for a terminal: what would move the cursor, change the title,
 * turn the direction of writing or stay invisible is shown by its number.
 */
export function safeText(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replace(unsafe, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

/** The same, cut where it gets too long for a table. */
export function safeName(text: string, most = 60): string {
  const safe = safeText(text);
  return safe.length > most ? `${safe.slice(0, most - 1)}…` : safe;
}
