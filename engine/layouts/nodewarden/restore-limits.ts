import { dbBytes, entryCount, extractedBytes } from "./format.ts";

/** Bytes of what an archive holds, unpacked, and its entries. */
export interface ArchiveSizes {
  manifest: number;
  db: number;
  files: number;
  entries: number;
}

/** Why NodeWarden would not restore an archive of this size. */
export function overLimits({ manifest, db, files, entries }: ArchiveSizes): string[] {
  const total = manifest + db + files;
  const over = (what: string, found: number, most: number) =>
    found > most ? [`NodeWarden will not restore this archive: ${what}, and it takes at most ${most}`] : [];
  return [
    ...over(`its db.json has ${db} bytes`, db, dbBytes),
    ...over(`it unpacks to ${total} bytes`, total, extractedBytes),
    ...over(`it has ${entries} entries`, entries, entryCount),
  ];
}
