import { STATUS_CODES } from "node:http";
import type { Context } from "hono";
import type { Admin, BackupEnv, Installation } from "./backup-app.ts";
import { plainProblem, problemResponse } from "./problem.ts";

/** Whose an upload is. Where admins have no e-mail address, there is one admin. */
export const ownerOf = ({ email }: Admin): string => email ?? "";

/** tus 1.0 (https://tus.io/protocols/resumable-upload). */
export async function uploadRoute(c: Context<BackupEnv>, { spool, running }: Installation): Promise<Response> {
  const request = c.req.raw;
  if (request.method === "GET") return problemResponse(plainProblem(404, "an upload cannot be read back"));
  const task = running.begin(request.signal);
  try {
    const uploads = await spool.uploads();
    const response = await uploads.handle(request, c.req.param("id" as never), ownerOf(c.var.admin));
    return response.status < 400 ? response : await asProblem(response);
  } finally {
    task.end();
  }
}

/** The package answers in plain text; clients of the protocol look at the status and the headers alone. */
async function asProblem(response: Response): Promise<Response> {
  const said = (await response.text()).trim() || STATUS_CODES[response.status] || "the upload was refused";
  const problem = problemResponse(plainProblem(response.status, said));
  for (const [name, value] of response.headers) {
    if (!name.startsWith("content-")) problem.headers.set(name, value);
  }
  return problem;
}
