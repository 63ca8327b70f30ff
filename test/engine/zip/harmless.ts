/** What a changed byte of an archive may leave as it was, by its offset in the header: nothing that a reader reports or acts on. */
const inLocal: Record<number, string> = {
  4: "version needed",
  5: "its host",
  6: "compression hint (bits 1 and 2)",
  10: "time",
  11: "time",
  12: "date",
  13: "date",
};
const inCentral: Record<number, string> = {
  4: "version made by",
  5: "its host",
  6: "version needed",
  7: "its host",
  8: "compression hint (bits 1 and 2)",
  12: "time",
  13: "time",
  14: "date",
  15: "date",
  36: "internal attributes",
  37: "internal attributes",
  38: "DOS attributes",
  39: "DOS attributes",
  40: "Unix mode",
  41: "Unix mode",
};

/** The field that lies at an offset of an archive without extra fields, comments or descriptors, where a change of it may be harmless. */
export function harmlessField(archive: Uint8Array, offset: number): string | undefined {
  const view = new DataView(archive.buffer, archive.byteOffset);
  const directoryOffset = view.getUint32(archive.length - 6, true);
  for (let at = 0; at < archive.length - 22; ) {
    const local = at < directoryOffset;
    const name = view.getUint16(at + (local ? 26 : 28), true);
    const length = local ? 30 + name + view.getUint32(at + 18, true) : 46 + name;
    const deflated = local && view.getUint16(at + 8, true) === 8;
    if (deflated && offset === at + length - 1) return "padding bits after the last deflate block";
    // The same content may be deflated in other ways: with other distances to the same bytes, for one. Its hash tells.
    if (deflated && offset >= at + 30 + name && offset < at + length) return "another way to deflate the same content";
    if (offset < at + length) return (local ? inLocal : inCentral)[offset - at];
    at += length;
  }
  return undefined;
}
