import type { CheckName } from "../engine/checks.ts";

/** What each check asks, for people. */
export const checkTexts: Record<CheckName, [title: string, meaning: string]> = {
  structure: ["Container", "Every byte belongs to exactly one record, and no two readers can see different things."],
  names: ["Names", "No name leads out of its folder, or means two things on another system."],
  limits: ["Limits", "Nothing is larger than it may be, and nothing swells up when it is unpacked."],
  manifest: ["Manifest", "It can be read, and is of a version that is known here."],
  listing: ["Listing", "Everything is listed with a checksum, and nothing is there that is not listed."],
  contents: ["Contents", "Every entry unpacks to the size and CRC that it states."],
  hashes: ["Checksums", "Every entry has the SHA-256 that it had when it was exported."],
  rows: ["Rows", "Every table is a list of rows with the columns that it names."],
  counts: ["Counts", "As many rows and bytes are there as the manifest says."],
  files: ["Files", "Every file of a row is there with its size and checksum, or is said to be left out."],
};
