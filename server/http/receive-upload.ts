import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeStream } from "node:stream/web";
import busboy from "busboy";
import { BackupError } from "../../engine/errors.ts";
import { openFileSource } from "../file-source.ts";
import type { ClosableSource } from "../uploads/upload-store.ts";
import { readJsonObject } from "./json-body.ts";
import type { Spool } from "./spool.ts";

export interface Upload {
  /** The form's other fields. */
  fields: Record<string, string>;
  /** As the client calls the file. */
  name?: string;
  source(): Promise<ClosableSource>;
  /** After the request. */
  release(): Promise<void>;
  /** After it was imported. */
  done(): Promise<void>;
}

/** Bytes that a form takes beside its file. */
const formAllowance = 512 * 1024;
const formLimits = { files: 1, fields: 16, fieldSize: 256 * 1024, fieldNameSize: 100, parts: 20, headerPairs: 50 };
const rawTypes = /^(application\/(zip|x-zip-compressed|x-ndjson|octet-stream))?$/;

/**
 * A request's bundle: a resumable upload that is named in a JSON body, or streamed to disk, being the field `file` of a form
 * or the body itself. Of the latter two, nothing is left behind after a failure.
 * @throws BackupError `REQUEST_INVALID`, `LIMIT_ARCHIVE_BYTES`, `UPLOAD_MISSING`, `UPLOAD_INCOMPLETE`, `IO_SOURCE`
 */
export async function receiveUpload(request: Request, spool: Spool, owner: string, signal: AbortSignal): Promise<Upload> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/json") return namedUpload(await readJsonObject(request), spool, owner);
  const isForm = type === "multipart/form-data";
  if (!isForm && !rawTypes.test(type)) throw invalid(`a body of type ${type} is not a bundle; ${howTo}`);
  spool.assertSize(Number(request.headers.get("content-length") ?? 0) - (isForm ? formAllowance : 0));
  const path = await spool.newPath();
  const remove = () => rm(path, { force: true });
  try {
    const received = isForm ? await receiveForm(request, path, spool, signal) : await receiveBody(request, path, spool, signal);
    return { ...received, source: () => openFileSource(path), release: remove, done: remove };
  } catch (error) {
    await remove();
    signal.throwIfAborted();
    throw error;
  }
}

/** As a form has it: lists by commas, objects as JSON. */
function fieldText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string" && !item.includes(","))) return value.join(",");
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return JSON.stringify(value);
  throw invalid(`the field ${JSON.stringify(name)} cannot be ${JSON.stringify(value)?.slice(0, 100)}`);
}

/** `{"upload":"<id>"}` and the other fields. A preview leaves the upload for the import. */
async function namedUpload({ upload: id, ...others }: Record<string, unknown>, spool: Spool, owner: string): Promise<Upload> {
  if (typeof id !== "string") throw invalid('the body has to name an upload, as in {"upload":"<id>"}');
  const fields = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, fieldText(name, value)]));
  const uploads = await spool.uploads();
  const { source, ...named } = await uploads.open(id, owner);
  return {
    ...named,
    fields,
    source: async () => source,
    release: () => source.close(),
    done: () => uploads.remove(id),
  };
}

const howTo =
  "send multipart/form-data with the bundle as the field file, the bundle itself as application/zip or application/x-ndjson, " +
  "or the id of an upload as application/json";

type Received = Pick<Upload, "fields" | "name">;

async function receiveBody(request: Request, path: string, spool: Spool, signal: AbortSignal): Promise<Received> {
  const bytes = await spool.keep(path, bodyOf(request), signal).catch(asCut);
  if (bytes === 0) throw invalid(`the body is empty; ${howTo}`);
  return { fields: {} };
}

async function receiveForm(request: Request, path: string, spool: Spool, signal: AbortSignal): Promise<Received> {
  const form = openForm(request);
  const stop = new AbortController();
  const fields: Record<string, string> = {};
  let kept: Promise<number> | undefined;
  let fileName: string | undefined;
  const refuse = (message: string) => stop.abort(invalid(message));
  form.on("file", (name, file, { filename }) => {
    fileName = filename;
    // Unread, it would hold back the rest of the form; its error is the form's.
    file.on("error", () => {});
    if (name !== "file") refuse(`the form has a file ${JSON.stringify(name)}; ${howTo}`);
    else kept = spool.keep(path, file, AbortSignal.any([signal, stop.signal]));
    kept?.catch((error) => stop.abort(error));
  });
  form.on("field", (name, value, { nameTruncated, valueTruncated }) => {
    if (nameTruncated || valueTruncated) refuse("a field of the form is too long");
    else if (name === "file") refuse("the field file is text; send the bundle as a file (curl: -F file=@backup.zip)");
    else if (name in fields) refuse(`the field ${JSON.stringify(name)} is there twice`);
    else Object.defineProperty(fields, name, { value, enumerable: true });
  });
  for (const limit of ["filesLimit", "fieldsLimit", "partsLimit"] as const) {
    form.on(limit, () => refuse("the form has more than one file, or too many fields"));
  }
  try {
    await pipeline(bodyOf(request), form, { signal: AbortSignal.any([signal, stop.signal]) });
  } catch (error) {
    await kept?.catch(() => {});
    stop.signal.throwIfAborted();
    asCut(error);
  }
  stop.signal.throwIfAborted();
  if (kept === undefined) throw invalid(`the form has no file; ${howTo}`);
  await kept;
  return { fields, ...(fileName !== undefined && { name: fileName }) };
}

function openForm(request: Request): busboy.Busboy {
  try {
    const headers = { "content-type": request.headers.get("content-type") ?? "" };
    return busboy({ headers, limits: formLimits, defParamCharset: "utf8" });
  } catch (cause) {
    throw invalid(`the form cannot be read: ${(cause as Error).message}`);
  }
}

function bodyOf(request: Request): Readable {
  if (request.body === null) return Readable.from([]);
  return Readable.fromWeb(request.body as unknown as NodeStream<Uint8Array>);
}

/** The body's own end was not reached: the client broke off, or what it sent is no form. */
function asCut(error: unknown): never {
  if (error instanceof BackupError) throw error;
  throw new BackupError("REQUEST_INVALID", `the upload ended early: ${(error as Error).message}`, {}, { cause: error });
}

function invalid(message: string): BackupError {
  return new BackupError("REQUEST_INVALID", message);
}
