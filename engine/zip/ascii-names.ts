import { centralHeaderLength, signature } from "./records.ts";

const decoder = new TextDecoder();

/** The names of the headers in a stretch of a directory, decoded all at once: for each by itself the call takes longer than the decoding. */
export class AsciiNames {
  /** Where names begin in `#text`, and where the last one ends. */
  #starts = new Uint32Array(1024);
  #text = "";
  #gathered = new Uint8Array(0);
  #count = 0;
  #taken = 0;

  /** Finds them in headers that follow each other from the first byte on. */
  read(bytes: Uint8Array, view: DataView): void {
    this.#count = 0;
    this.#taken = 0;
    if (this.#gathered.length < bytes.length) this.#gathered = new Uint8Array(bytes.length);
    const gathered = this.#gathered;
    let length = 0;
    for (let at = 0; at + centralHeaderLength <= bytes.length; this.#count++) {
      const nameStart = at + centralHeaderLength;
      const nameEnd = nameStart + view.getUint16(at + 28, true);
      if (nameEnd > bytes.length || view.getUint32(at, true) !== signature.centralHeader) break;
      this.#begin(length);
      if (isAscii(bytes, nameStart, nameEnd)) {
        gathered.set(bytes.subarray(nameStart, nameEnd), length);
        length += nameEnd - nameStart;
      }
      at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
    this.#starts[this.#count] = length;
    this.#text = decoder.decode(gathered.subarray(0, length));
  }

  /** Of the next header; nothing where it is not ASCII. */
  take(): string {
    const number = this.#taken++;
    return number < this.#count ? this.#text.slice(this.#starts[number], this.#starts[number + 1]) : "";
  }

  #begin(start: number): void {
    if (this.#count + 2 > this.#starts.length) {
      const grown = new Uint32Array(this.#starts.length * 2);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[this.#count] = start;
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}
