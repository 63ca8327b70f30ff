import { unconfirmed } from "../check-scope.ts";
import type { Draft } from "./draft-scope.ts";

/** The draft as a TypeScript module, to be read and corrected by a person. */
export function draftText({ scope, remarks }: Draft): string {
  const { tables, ...rest } = scope;
  const body = Object.entries(rest).map(([key, value]) => `  ${property(key)}: ${literal(value, "  ")},`);
  const at = body.findIndex((line) => line.startsWith("  excludedTables"));
  const tableLines = Object.entries(tables).map(([key, table]) => {
    const comments = (remarks[key] ?? []).map((remark) => `    // ${remark.replaceAll(/\s/g, " ")}\n`).join("");
    return `${comments}    ${property(key)}: ${literal(table, "    ")},\n`;
  });
  body.splice(
    at,
    0,
    `  // Parents first. Whoever adds a column decides here whether it travels.\n  tables: {\n${tableLines.join("")}  },`,
  );
  return `${heading}\nexport default defineScope({\n${body.join("\n")}\n});\n`;
}

const heading = `import { defineScope } from "holdall/scope";

// Drafted by \`holdall scope init\` from the names in a database. Read every line, correct it, and take the word
// "${unconfirmed}" out of each reason once it is right: until then, \`holdall scope check\` and every export fail.
`;

function property(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? key : JSON.stringify(key);
}

const width = 120;

/** On one line where it fits. */
function literal(value: unknown, indent: string): string {
  const flat = inline(value);
  if (flat.length + indent.length < width || typeof value !== "object" || value === null) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((item) => `${deeper}${literal(item, deeper)},\n`).join("")}${indent}]`;
  const lines = Object.entries(value).map(([key, item]) => `${deeper}${property(key)}: ${literal(item, deeper)},\n`);
  return `{\n${lines.join("")}${indent}}`;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, item]) => `${property(key)}: ${inline(item)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}
