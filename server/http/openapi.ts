import { planCodes } from "../../engine/plan.ts";
import { mostTenants } from "../export/list-tenants.ts";
import type { Scope } from "../scope/define-scope.ts";
import { everywhere, problem } from "./openapi-problems.ts";
import { modeSchema, ref, type Schema, schemas } from "./openapi-schemas.ts";
import { uploadPath, uploadsPath } from "./openapi-uploads.ts";
import { mostRows } from "./plan-routes.ts";

const json = (schema: Schema) => ({ "application/json": { schema } });
const binary = {};

/** The API as OpenAPI 3.1; a test holds it against the routes and against what they answer. */
export function openapiDocument(scope: Scope) {
  return {
    openapi: "3.1.0",
    info: {
      title: `Holdall: backup of ${scope.app.name}`,
      version: "1",
      description: "Moves an application's state between installations. Every route is for admins.",
    },
    servers: [{ url: "." }],
    security: [{ bearer: [] }],
    paths: {
      "/export": { post: exportOperation(scope) },
      "/export/estimate": { post: estimateOperation },
      "/import/preview": { post: previewOperation },
      "/import": { post: importOperation },
      "/uploads": uploadsPath,
      "/uploads/{id}": uploadPath,
      "/import/known-files": { post: knownFilesOperation },
      "/import/plan/{digest}": { get: planOperation },
      "/import/plan/{digest}/{table}": { get: planPageOperation },
      "/scope": { get: scopeOperation },
      "/tenants": { get: tenantsOperation },
      "/openapi.json": { get: openapiOperation },
    },
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: schemas(scope),
    },
  };
}

function exportOperation(scope: Scope) {
  return {
    operationId: "export",
    summary: "The installation's state as a bundle, streamed",
    description: `A failure after the first byte cuts the connection. Ignored options only add a warning to the bundle: ${
      Object.keys(scope.ignoredOptions).join(", ") || "none"
    }.`,
    requestBody: { required: false, content: json(ref("ExportOptions")) },
    responses: {
      "200": {
        description: "The bundle, in the container that Accept asks for; zip where it asks for none",
        headers: { "Content-Disposition": { schema: { type: "string" } } },
        content: { "application/zip": { schema: binary }, "application/x-ndjson": { schema: binary } },
      },
      "400": problem("An unknown option, or a value that is not true or false"),
      "422": problem("The scope does not fit the database"),
      ...everywhere,
    },
  };
}

const query = (name: string, schema: Schema, description: string, required = false) => ({
  name,
  in: "query",
  required,
  schema,
  description,
});

const tenantsOperation = {
  operationId: "tenants",
  summary: "The tenants of which an export may take some",
  parameters: [query("search", { type: "string" }, "Only those whose name or key holds this")],
  responses: {
    "200": { description: `At most ${mostTenants}, by name, and how many there are`, content: json(ref("TenantList")) },
    "400": problem("The scope does not say what a tenant is"),
    ...everywhere,
  },
};

const estimateOperation = {
  operationId: "estimate",
  summary: "What an export would be about: rows and bytes, without reading them",
  description: "Small tables are counted; of large ones the figures are PostgreSQL's estimate.",
  requestBody: { required: false, content: json(ref("ExportOptions")) },
  responses: {
    "200": { description: "Rows and bytes by table, and the files", content: json(ref("ExportEstimate")) },
    "400": problem("An unknown option, or a value that is not true or false"),
    "422": problem("The scope does not fit the database"),
    ...everywhere,
  },
};

const digest: Schema = { type: "string", pattern: "^[0-9a-f]{64}$" };

const choiceParameters: Record<string, { schema: Schema; description: string }> = {
  match_natural_keys: {
    schema: { enum: ["true", "false"], default: "true" },
    description: "Whether rows that are in the target under another key are found by the scope's natural keys",
  },
  user_map: {
    schema: { type: "string" },
    description:
      "JSON object: users of the bundle, by key or e-mail address, to users of the target. Who made a row and who is a member stays so",
  },
  tables: { schema: { type: "string" }, description: "Only these tables of the bundle, separated by commas" },
  orgs: {
    schema: { type: "string" },
    description: "Only the rows of these organizations, by id or natural key, separated by commas",
  },
  file_name: {
    schema: { type: "string" },
    description: "What the file is called, where the form does not say: of some layouts the name is checked",
  },
  accept_name_mismatch: {
    schema: { enum: ["true", "false"], default: "false" },
    description: "Go on although a NodeWarden archive's name says another hash than it has; the report says so",
  },
};
/** What mode replace does only where it is told to. */
const consents: Record<string, string> = {
  replace_existing: "Mode replace: the target may be in use; what the bundle does not hold is deleted",
  accept_loss: "Mode replace: what the plan counts as lost may go",
  allow_no_admin: "Mode replace: the target may end up without an active admin",
};
const consentFlag: Schema = { enum: ["true", "false"], default: "false" };
const consentQuery = Object.entries(consents).map(([name, description]) => query(name, consentFlag, description));
const consentFields = Object.fromEntries(
  Object.entries(consents).map(([name, description]) => [name, { ...consentFlag, description }]),
);
const consentMembers = Object.fromEntries(
  Object.entries(consents).map(([name, description]) => [name, { type: "boolean", default: false, description }]),
);
const choiceQuery = Object.entries(choiceParameters).map(([name, { schema, description }]) => query(name, schema, description));
const choiceFields = Object.fromEntries(
  Object.entries(choiceParameters).map(([name, { schema, description }]) => [name, { ...schema, description }]),
);

const form = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object",
        required: ["file"],
        properties: {
          file: { description: "The bundle" },
          mode: modeSchema,
          plan_digest: digest,
          ...choiceFields,
          ...consentFields,
        },
        additionalProperties: false,
      },
    },
    "application/zip": { schema: binary },
    "application/x-ndjson": { schema: binary },
    "application/json": {
      schema: {
        type: "object",
        required: ["upload"],
        properties: {
          upload: { type: "string", description: "The id of a finished upload: what follows the last / of its Location" },
          mode: modeSchema,
          plan_digest: digest,
          match_natural_keys: {
            type: "boolean",
            default: true,
            description: choiceParameters["match_natural_keys"]!.description,
          },
          user_map: { type: "object", additionalProperties: { type: "string" }, description: "As in a form, as an object" },
          tables: { type: "array", items: { type: "string" }, description: "As in a form, as a list" },
          orgs: { type: "array", items: { type: "string" }, description: "As in a form, as a list" },
          ...consentMembers,
          file_name: { type: "string", description: choiceParameters["file_name"]!.description },
          accept_name_mismatch: {
            type: "boolean",
            default: false,
            description: choiceParameters["accept_name_mismatch"]!.description,
          },
        },
        additionalProperties: false,
      },
    },
  },
};

const uploadProblems = {
  "400": problem("The form or a parameter is not usable"),
  "404": problem("There is no such upload"),
  "409": problem(
    "Another import is running, the upload is not complete, the target is not as the plan says, or a replacement needs a consent",
  ),
  "413": problem("The bundle, or something in it, is larger than allowed"),
  "422": problem("The bundle is not valid; `issues` lists everything that was found"),
  "502": problem("The blob store lost an object"),
  ...everywhere,
};

const previewOperation = {
  operationId: "preview",
  summary: "Verifies a bundle and plans its import; changes nothing",
  description: "With Accept: application/x-ndjson, progress lines and the preview as the last line.",
  parameters: [
    query("mode", modeSchema, "Or as a field of the form; without one, the first that the scope offers"),
    ...choiceQuery,
  ],
  requestBody: form,
  responses: {
    "200": {
      description: "What the bundle holds and what an import would do",
      content: { ...json(ref("Preview")), "application/x-ndjson": { schema: ref("PreviewLine") } },
    },
    ...uploadProblems,
  },
};

const importOperation = {
  operationId: "import",
  summary: "Imports a bundle, all or nothing",
  description:
    "Give the mode as a parameter or as a field of the form. With plan_digest, the import happens as previewed or not at all. " +
    "With Accept: application/x-ndjson, progress lines and the report as the last line.",
  parameters: [
    query("mode", modeSchema, "Or as a field of the form"),
    query("plan_digest", digest, "The digest of a preview's plan; or as a field of the form"),
    ...choiceQuery,
    ...consentQuery,
  ],
  requestBody: form,
  responses: {
    "200": {
      description: "What was done",
      content: { ...json(ref("ImportReport")), "application/x-ndjson": { schema: ref("ImportLine") } },
    },
    ...uploadProblems,
  },
};

const knownFilesOperation = {
  operationId: "knownFiles",
  summary: "Which contents this installation has, so that a thin bundle need not carry them",
  requestBody: { required: true, content: json(ref("FileIdentities")) },
  responses: {
    "200": { description: "One answer a content, in the order asked", content: json(ref("KnownFiles")) },
    "400": problem("The body is not usable, or asks for more than 5,000 files at once"),
    "422": problem("The scope does not fit the database"),
    ...everywhere,
  },
};

const inPath = (name: string, schema: Schema) => ({ name, in: "path", required: true, schema });
const planUnknown = problem("No such plan is kept: it expired, or it was made for another admin");

const planOperation = {
  operationId: "plan",
  summary: "The plan of a preview, kept for an hour by the server that made it",
  parameters: [inPath("digest", digest)],
  responses: { "200": { description: "The plan", content: json(ref("KeptPlan")) }, "404": planUnknown, ...everywhere },
};

const planPageOperation = {
  operationId: "planRows",
  summary: "Rows of one table of a kept plan, in the bundle's order, from any place on",
  parameters: [
    inPath("digest", digest),
    inPath("table", { type: "string" }),
    query("outcome", { enum: planCodes }, "Only rows with this outcome or note"),
    query("from", { type: "integer", minimum: 0, default: 0 }, "How many of those to pass over"),
    query("count", { type: "integer", minimum: 0, maximum: mostRows, default: 100 }, "How many to give"),
  ],
  responses: {
    "200": { description: "The rows", content: json(ref("PlanPage")) },
    "400": problem("A parameter is not usable, or the plan has no such table"),
    "404": planUnknown,
    ...everywhere,
  },
};

const scopeOperation = {
  operationId: "scope",
  summary: "What is in a bundle, what is not, and why",
  responses: { "200": { description: "The scope", content: json(ref("Scope")) }, ...everywhere },
};

const openapiOperation = {
  operationId: "openapi",
  summary: "This document",
  responses: { "200": { description: "OpenAPI 3.1", content: json({ type: "object" }) }, ...everywhere },
};
