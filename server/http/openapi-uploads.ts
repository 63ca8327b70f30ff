import { everywhere, problem } from "./openapi-problems.ts";

/** The part of tus 1.0 that is served: creation (with upload), termination, expiration. */
const header = (name: string, description: string, required = true) => ({
  name,
  in: "header",
  required,
  schema: { type: "string" },
  description,
});
const version = header("Tus-Resumable", "1.0.0");
const id = {
  name: "id",
  in: "path",
  required: true,
  schema: { type: "string" },
  description: "What follows the last / of Location",
};
const bytes = { "application/offset+octet-stream": { schema: {} } };
const gone = {
  "404": problem("There is no such upload, or it is another admin's"),
  "410": problem("It was given up"),
  ...everywhere,
};

export const uploadsPath = {
  options: {
    operationId: "uploadOptions",
    summary: "Which part of tus is served",
    responses: { "204": { description: "In the headers Tus-Version, Tus-Extension and Tus-Max-Size" }, ...everywhere },
  },
  post: {
    operationId: "createUpload",
    summary: "Begins a resumable upload (tus 1.0, https://tus.io/protocols/resumable-upload)",
    parameters: [
      version,
      header("Upload-Length", "Bytes of the whole"),
      header("Upload-Metadata", "As tus has it; nothing of it is interpreted", false),
    ],
    requestBody: { required: false, content: bytes },
    responses: {
      "201": {
        description: "Begun; Location leads to it, relative to this address",
        headers: { Location: { schema: { type: "string" } } },
      },
      "400": problem("A header is missing or wrong"),
      "412": problem("Tus-Resumable is missing or another version"),
      "413": problem("Larger than allowed here"),
      ...everywhere,
    },
  },
};

export const uploadPath = {
  get: {
    operationId: "uploadOffset",
    summary: "As HEAD: how many bytes have arrived (Upload-Offset). The bytes themselves cannot be read back",
    parameters: [id, version],
    responses: { "200": { description: "In the headers" }, ...gone },
  },
  patch: {
    operationId: "continueUpload",
    summary: "The next bytes; what arrives of them before a connection breaks is kept",
    parameters: [id, version, header("Upload-Offset", "Where they begin: what HEAD says")],
    requestBody: { required: true, content: bytes },
    responses: {
      "204": { description: "Kept; Upload-Offset says where to go on" },
      "400": problem("A header is missing or wrong"),
      "409": problem("The offset is not what has arrived"),
      "413": problem("More bytes than were announced"),
      "415": problem("Content-Type is application/offset+octet-stream"),
      "423": problem("Another request is writing"),
      ...gone,
    },
  },
  delete: {
    operationId: "removeUpload",
    summary: "Gives the upload up",
    parameters: [id, version],
    responses: { "204": { description: "Gone" }, ...gone },
  },
};
