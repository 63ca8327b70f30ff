import { ref } from "./openapi-schemas.ts";

export const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: ref("Problem") } },
});

/** What any route may answer. */
export const everywhere = {
  "401": problem("Nobody is signed in"),
  "403": problem("Not an admin, or a page of another origin"),
  "500": problem("Unexpected"),
  "503": problem("The database, the blob store or the disk cannot serve this now"),
};
