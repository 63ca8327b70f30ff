import { createHash } from "node:crypto";
import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Row } from "../demo/copy-rows.ts";
import { daysAgo, type Random } from "../demo/random.ts";
import { moment } from "./demo-accounts.ts";
import { type DemoInstance, foldersEach, sealed } from "./demo-instance.ts";

const concurrency = 8;

/** What a client sent, with fields that this server does not know: it is kept as it came. */
function itemData(type: number, random: Random): string {
  const seal = () => sealed(random, 16 * (1 + random.below(4)));
  const unknown = random.once(5)
    ? `,"futureField":{"n":9007199254740993,"f":1.50,"e":1E2,"s":"\\u00fc\\/","nested":[ null,{"a":1,"a":2} ]}`
    : "";
  if (type === 2) return `{"secureNote":{"type":0},"fields":null,"passwordHistory":null${unknown}}`;
  if (type === 3) return `{"card":{"cardholderName":"${seal()}","brand":null,"number":"${seal()}","code":"${seal()}"}${unknown}}`;
  if (type === 4) return `{"identity":{"title":"${seal()}","firstName":"${seal()}","lastName":"${seal()}"}${unknown}}`;
  if (type === 5) return `{"sshKey":{"privateKey":"${seal()}","publicKey":"${seal()}","keyFingerprint":"${seal()}"}${unknown}}`;
  const history = random.once(4) ? `[{"password":"${seal()}","lastUsedDate":"2024-12-31T23:59:59.000Z"}]` : "null";
  const login = `"username":"${seal()}","password":"${seal()}","totp":null,"uris":[{"uri":"${seal()}","match":null}]`;
  return `{"fields":null,"passwordHistory":${history},"login":{${login},"fido2Credentials":null}${unknown}}`;
}

export function* cipherRows(instance: DemoInstance): Generator<Row> {
  const { users, folders, ciphers, options } = instance;
  for (let cipher = 0; cipher < options.ciphers; cipher++) {
    const random = ciphers.random(cipher);
    const user = instance.userOfCipher(cipher);
    const created = daysAgo(random, 700);
    const type = random.pick([1, 1, 1, 1, 2, 3, 4, 5]);
    yield {
      id: ciphers.id(cipher),
      user_id: users.id(user),
      type,
      folder_id: random.once(3) ? folders.id(user * foldersEach + random.below(foldersEach)) : null,
      name: sealed(random),
      notes: random.once(4) ? sealed(random, 16 * (1 + random.below(20))) : null,
      favorite: random.once(9) ? 1 : 0,
      data: itemData(type, random),
      reprompt: random.pick([null, 0, 1]),
      key: random.once(3) ? sealed(random, 64) : null,
      created_at: moment(created),
      updated_at: moment(created + random.below(8e8)),
      archived_at: random.once(40) ? moment(created + 9e8) : null,
      deleted_at: random.once(40) ? moment(created + 9e8) : null,
    };
  }
}

/** Writes the object of every attachment and gives its row, in the attachments' order. */
export async function* storeAttachments(instance: DemoInstance, blobs: BlobStore): AsyncGenerator<Row> {
  const total = instance.options.attachments;
  for (let first = 0; first < total; first += concurrency) {
    const numbers = Array.from({ length: Math.min(concurrency, total - first) }, (_, nth) => first + nth);
    yield* await Promise.all(numbers.map((attachment) => storeAttachment(instance, blobs, attachment)));
  }
}

async function storeAttachment(instance: DemoInstance, blobs: BlobStore, attachment: number): Promise<Row> {
  const random = instance.attachments.random(attachment);
  const id = instance.attachments.id(attachment);
  const cipher = instance.ciphers.id(instance.cipherOfAttachment(attachment));
  // A cipher's own bytes and the MAC before them; now and then a photograph, and one that is empty.
  const size = attachment % 17 === 3 ? 0 : 65 + random.below(random.once(20) ? 600_000 : 20_000);
  await storeObject(blobs, `${cipher}/${id}`, random.bytes(size));
  return { id, cipher_id: cipher, file_name: sealed(random, 48), size, size_name: sizeName(size), key: sealed(random, 64) };
}

export async function storeObject(blobs: BlobStore, key: string, body: Uint8Array): Promise<void> {
  const sha256 = createHash("sha256").update(body).digest("hex");
  const bytes = (async function* () {
    yield body;
  })();
  await blobs.create(key, bytes, { size: body.length, sha256, contentType: "application/octet-stream" });
}

function sizeName(size: number): string {
  if (size < 1024) return `${size} Bytes`;
  return size < 1024 ** 2 ? `${(size / 1024).toFixed(2)} KB` : `${(size / 1024 ** 2).toFixed(2)} MB`;
}
