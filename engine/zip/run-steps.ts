import { pieceLength } from "../byte-source.ts";
import type { CheckedEntry } from "../check-entries.ts";
import { heldSize } from "./hash-round.ts";
import type { ZipStretch } from "./list-zip.ts";
import type { Piece } from "./piece-reader.ts";

/** What was found of an entry: its hash, or why there is none. */
export type CheckedContent = Pick<CheckedEntry, "sha256" | "failure">;

/** An entry and what of it is to be looked at: its records alone, its content too, or its content by somebody who makes more of it. */
export interface RunEntry<Found extends CheckedContent = CheckedContent> {
  stretch: ZipStretch;
  look: "records" | "content" | ((content: AsyncIterable<Uint8Array>) => Promise<Found>);
}

/** Small entries that one piece holds, or an entry by itself and the pieces that hold it. */
export interface RunStep<Found extends CheckedContent> {
  entries: RunEntry<Found>[];
  alone: boolean;
  /** None where only the records of a large entry are to be looked at. */
  pieces: Piece[];
}

/** Of many small entries: their contents are in memory together. */
const contentsTogether = 4 * 1024 * 1024;
const entriesTogether = 2048;

/** Whether the contents of a step's entries are looked at and can be held in memory together with those of other steps. */
export function isBrief<Found extends CheckedContent>({ entries, alone, pieces }: RunStep<Found>): boolean {
  const [{ look, stretch }] = entries as [RunEntry<Found>];
  return !alone || (look === "content" && pieces.length > 0 && stretch.size <= heldSize && stretch.storedSize <= heldSize);
}

/** Entries that lie one behind the other as steps whose pieces do so too. */
export function stepsOf<Found extends CheckedContent>(run: readonly RunEntry<Found>[]): RunStep<Found>[] {
  const steps: RunStep<Found>[] = [];
  let contents = 0;
  for (const entry of run) {
    const { headerOffset: start, end, size } = entry.stretch;
    const last = steps.at(-1);
    const piece = last?.pieces[0];
    const small = isSmall(entry);
    const joins = small && last?.alone === false && last.entries.length < entriesTogether && contents + size <= contentsTogether;
    if (joins && piece!.offset + piece!.length === start && end - piece!.offset <= pieceLength) {
      last!.entries.push(entry);
      piece!.length = end - piece!.offset;
      contents += size;
    } else {
      const passed = entry.look === "records" && !small;
      steps.push({ entries: [entry], alone: !small, pieces: passed ? [] : piecesOf(start, end) });
      contents = size;
    }
  }
  return steps;
}

function isSmall({ stretch: { headerOffset, end, size }, look }: RunEntry): boolean {
  return typeof look === "string" && end - headerOffset <= pieceLength && size <= contentsTogether;
}

function piecesOf(start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  for (let offset = start; offset < end; offset += pieceLength)
    pieces.push({ offset, length: Math.min(pieceLength, end - offset) });
  return pieces;
}
