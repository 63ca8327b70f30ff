import type { Context } from "hono";
import * as v from "valibot";
import { BackupError } from "../../engine/errors.ts";
import { knownBlobs, mostAsked } from "../import/known-blobs.ts";
import type { BackupEnv, Installation } from "./backup-app.ts";
import { readJsonObject } from "./json-body.ts";

/** A hash, a size and their punctuation, generously. */
const bytesEach = 200;
const bodySchema = v.strictObject({
  files: v.pipe(
    v.array(
      v.strictObject({
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
        size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      }),
    ),
    v.maxLength(mostAsked),
  ),
});

/** Which contents are here, so that a bundle need not carry them. */
export async function knownFilesRoute(c: Context<BackupEnv>, { sql, store, scope }: Installation): Promise<Response> {
  const body = await readJsonObject(c.req.raw, mostAsked * bytesEach);
  const parsed = v.safeParse(bodySchema, body);
  if (!parsed.success) {
    const message = `the body is {"files":[{"sha256":"<64 lowercase hexadecimal digits>","size":<bytes>}, …]} with at most ${mostAsked} files`;
    throw new BackupError("REQUEST_INVALID", message);
  }
  const known = await knownBlobs({ sql, store, scope, signal: c.req.raw.signal }, parsed.output.files);
  return c.json({ known }, 200, { "Cache-Control": "no-store" });
}
