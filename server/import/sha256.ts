import { createHash } from "node:crypto";

/** SHA-256 of a body in lowercase hex; the body is consumed. */
export async function sha256Of(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of body) hash.update(chunk);
  return hash.digest("hex");
}
