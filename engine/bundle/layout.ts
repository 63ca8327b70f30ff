import { decodeSegment, encodeSegment } from "./table-name.ts";

/** Names in format version 1. */
export const manifestPath = "manifest.json";
export const checksumsPath = "checksums.json";
/** Only in a thin bundle: the files that it names and does not carry. */
export const thinPath = "thin.json";

export type EntryRole =
  | { kind: "manifest" }
  | { kind: "checksums" }
  | { kind: "thin" }
  | { kind: "table"; table: string }
  | { kind: "file"; id: string };

export function tablePath(table: string): string {
  return `data/${encodeSegment(table, ".json")}.json`;
}

/** `name` has been made safe already; the id makes the path unique. */
export function filePath(id: string, name: string): string {
  return `files/${id}/${name}`;
}

/** What an entry is by its path, or `null` where the path has no place in the layout. */
export function roleOf(path: string): EntryRole | null {
  if (path === manifestPath) return { kind: "manifest" };
  if (path === checksumsPath) return { kind: "checksums" };
  if (path === thinPath) return { kind: "thin" };
  const parts = path.split("/");
  if (parts.length === 2 && parts[0] === "data" && parts[1]!.endsWith(".json") && parts[1]!.length > 5) {
    const table = decodeSegment(parts[1]!.slice(0, -5));
    // A table has one path: another spelling of it would be a second entry of the same table.
    return tablePath(table) === path ? { kind: "table", table } : null;
  }
  if (parts.length === 3 && parts[0] === "files" && parts[1] !== "" && parts[2] !== "") return { kind: "file", id: parts[1]! };
  return null;
}

/** Folders that some producers list as entries of their own; they carry nothing. */
export function isLayoutFolder(path: string): boolean {
  return path === "data/" || path === "files/" || /^files\/[^/]+\/$/.test(path);
}
