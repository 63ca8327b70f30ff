/** One field of a row: a string's own text, anything else as it stands in the bundle, so that no number is rounded. */
export interface Field {
  name: string;
  text: string;
  kind: "string" | "null" | "other";
}

/** The fields of a row's JSON text, in order. `null` where it is no object. */
export function fieldsOf(row: string): Field[] | null {
  const fields: Field[] = [];
  let at = skipSpace(row, 0);
  if (row[at] !== "{") return null;
  at = skipSpace(row, at + 1);
  while (row[at] === '"') {
    const nameEnd = endOfString(row, at);
    const name = unquoted(row.slice(at, nameEnd));
    const start = skipSpace(row, skipSpace(row, nameEnd) + 1);
    const end = endOfValue(row, start);
    fields.push({ name, ...readValue(row.slice(start, end).trim()) });
    at = skipSpace(row, end);
    if (row[at] !== ",") break;
    at = skipSpace(row, at + 1);
  }
  return row[at] === "}" ? fields : null;
}

function readValue(raw: string): Omit<Field, "name"> {
  if (raw === "null") return { text: "", kind: "null" };
  return raw.startsWith('"') ? { text: unquoted(raw), kind: "string" } : { text: raw, kind: "other" };
}

function unquoted(raw: string): string {
  try {
    return JSON.parse(raw) as string;
  } catch {
    return raw;
  }
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (" \t\n\r".includes(text[next] ?? "x")) next++;
  return next;
}

function endOfString(text: string, at: number): number {
  let next = at + 1;
  while (next < text.length && text[next] !== '"') next += text[next] === "\\" ? 2 : 1;
  return next + 1;
}

/** Behind the value that begins at `at`: at the comma or brace that follows it. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  for (let next = at; next < text.length; next++) {
    const char = text[next]!;
    if (char === '"') next = endOfString(text, next) - 1;
    else if (char === "{" || char === "[") depth++;
    else if (depth > 0 && (char === "}" || char === "]")) depth--;
    else if (depth === 0 && (char === "," || char === "}")) return next;
  }
  return text.length;
}
