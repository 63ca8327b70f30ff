import type { ContainerEntry } from "../container.ts";
import { isSpecialMode } from "./extra.ts";
import { unsupportedAdvice, zipFault } from "./fault.ts";
import { type CentralHeader, flag, method } from "./records.ts";

/** An entry of an archive whose structure has been checked. Offsets and sizes are bytes. */
export interface ZipEntry extends ContainerEntry {
  readonly crc32: number;
  readonly deflated: boolean;
  /** A folder: its path ends in a slash and it has no content. */
  readonly directory: boolean;
  readonly headerOffset: number;
  /** Where the entry's data begins. */
  readonly dataOffset: number;
}

/** An entry as its central directory header gives it; not to be read before its local header was held against that. */
export interface ListedEntry extends ZipEntry {
  /** The name's bytes, one character each, where they are not the path's UTF-8. */
  rawName?: string | undefined;
  flags: number;
  method: number;
  headerOffset: number;
  /** Infinite until the local header has told. */
  dataOffset: number;
  /** Of the stretch of the archive that the entry has to itself, from its local header to behind its data or descriptor; infinite until it is known. */
  end: number;
  unicodePath: boolean;
}

/** APPNOTE 6.3 is the highest version there is; the upper byte is a host number in old archives. */
const highestVersion = 63;
/** What this reader knows the meaning of. All other bits are refused: some reader may give them one. */
const knownFlags = flag.descriptor | flag.utf8 | flag.compressionHint;
/** Deflate cannot do better (258 bytes from 2 bits); more is a lie, found without inflating. */
const deflateMaxRatio = 1032;

/** Refuses by policy what both headers may say together: encryption, methods, versions, splits. */
export function assertSupported(
  header: Pick<CentralHeader, "flags" | "method" | "versionNeeded">,
  at: number,
  path: string,
): void {
  const refuse = (found: string) => zipFault("ZIP_UNSUPPORTED", found, at, path, unsupportedAdvice);
  if (header.flags & (flag.encrypted | flag.strongEncryption | flag.maskedHeaders)) throw refuse("the entry is encrypted");
  if (header.flags & flag.patched) throw refuse("the entry is patch data");
  if (header.flags & ~knownFlags) throw refuse(`unknown flag bits 0x${(header.flags & ~knownFlags).toString(16)}`);
  if (header.method !== method.stored && header.method !== method.deflate) throw refuse(`compression method ${header.method}`);
  if ((header.versionNeeded & 0xff) > highestVersion) throw refuse("a newer version of ZIP is needed");
  // The end of such an entry cannot be found in a stream, so that its data can pass for further entries.
  if (header.method === method.stored && header.flags & flag.descriptor) throw refuse("a stored entry with a data descriptor");
}

/** Folder if and only if the name ends in a slash; attributes may not contradict; nothing but files and folders. */
export function assertType(header: CentralHeader, entry: ListedEntry, at: number): void {
  const mode = header.externalAttributes >>> 16;
  const { directory } = entry;
  if (isSpecialMode(mode))
    throw zipFault("PATH_SPECIAL_FILE", "the entry is a link, a pipe, a device or a socket", at, entry.path, unsupportedAdvice);
  const saysFolder = (header.externalAttributes & 0x10) !== 0 || (mode & 0o170000) === 0o040000;
  if (!directory && saysFolder)
    throw zipFault("ZIP_AMBIGUOUS", "a file by its name and a folder by its attributes", at, entry.path);
  if (directory && (mode & 0o170000) === 0o100000)
    throw zipFault("ZIP_AMBIGUOUS", "a folder by its name and a file by its attributes", at, entry.path);
  // Java writes folders as an empty deflate stream of two bytes.
  if (directory && (entry.size !== 0 || entry.crc32 !== 0 || entry.storedSize > (entry.deflated ? 2 : 0))) {
    throw zipFault("ZIP_AMBIGUOUS", "a folder with content", at, entry.path);
  }
}

/** What sizes cannot be, whatever the data. */
export function assertSizes(entry: ListedEntry, at: number): void {
  if (!entry.deflated && entry.size !== entry.storedSize) {
    throw zipFault("INTEGRITY_SIZE", `stored with ${entry.storedSize} bytes and ${entry.size} declared`, at, entry.path);
  }
  if (entry.deflated && (entry.storedSize < 2 || entry.size > entry.storedSize * deflateMaxRatio)) {
    throw zipFault("INTEGRITY_SIZE", `${entry.storedSize} deflated bytes cannot be ${entry.size}`, at, entry.path);
  }
}
