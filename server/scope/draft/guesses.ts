import type { CatalogColumn, CatalogTable } from "../../database/catalog.ts";

/** What names say. Every guess is for a person to confirm. */
type Guess = readonly [pattern: RegExp, reason: string];

const schemaGuesses: readonly Guess[] = [
  [/^(pgboss|graphile_worker|cron|pgmq|river|oban)$/, "runtime state: a job queue of this installation"],
  [/^(drizzle|flyway|liquibase)$/, "the record of which migrations this database has seen"],
];

const tableGuesses: readonly Guess[] = [
  [
    /(^|_)(schema_)?migrations?(_lock)?$|^alembic_version$|^flyway_schema_history$|^ar_internal_metadata$|^databasechangelog(lock)?$/i,
    "the record of which migrations this database has seen",
  ],
  [/(^|_)sessions?$/i, "sign-in sessions belong to this installation"],
  [
    /(^|_)(tokens?|magic_links?|password_resets?|verifications?|otps?|recovery_codes?)$/i,
    "tokens: whoever holds one signs in or acts with it",
  ],
  [
    /(^|_)(api_?keys?|credentials?|secrets?|certificates?|webhooks?|oauth_(apps?|accounts?|clients?))$/i,
    "holds secrets of this installation",
  ],
  [/(^|_)(locks?|leases?|mutexe?s?|semaphores?)$/i, "runtime state: a lock only means that a task is running here now"],
  [
    /rate_?limits?|throttl|login_attempts?|failed_logins?|lock_?outs?/i,
    "runtime state: rate limits and lock-outs belong to this installation",
  ],
  [
    /(^|_)(queues?|jobs?|delayed_jobs?|outbox|inbox|dead_letters?|cron|schedules?)$/i,
    "runtime state: what waits here would be done a second time elsewhere",
  ],
  [/(^|_)(caches?|temp|tmp|staging)$/i, "can be made anew"],
  [/(^|_)(invites?|invitations?)$/i, "invitations are administrative, and their codes open the door"],
  [
    /^(app_|system_|site_)?(settings|config|configuration|preferences|options)$/i,
    "may hold secrets beside settings; list the portable keys under `settings`",
  ],
];

const runtimeColumn =
  /^(last_(login|sign_?in|active)|current_sign_in|sign_in_count|failed_(logins?|attempts?)|login_attempts|locked_(at|until|by)|lease|lease_.*|heartbeat.*|worker_id|next_(run|scan|attempt).*)(_at|_ip)?$/i;
const historyTable = /(^|_)(history|histories|changes|revisions|events|audits?|audit_logs?|activity|activities|logs?)$/i;
const metadataColumn =
  /^(description|summary|notes?|comments?|tags?|labels?|color|colour|icon|metadata|settings|properties|attributes)$/i;
const importerColumn = /^(created_by|creator|creator_id|author|author_id|owner|owner_id|uploaded_by|made_by)$/i;
const digestColumn = /(^|_)(sha_?(1|256|512)|md5|checksum|digest|etag|content_hash|file_hash|fingerprint)$/i;

/** Why a whole table should stay, or `undefined`. */
export function tableReason(table: CatalogTable): string | undefined {
  const of = (name: string, guesses: readonly Guess[]) => guesses.find(([pattern]) => pattern.test(name))?.[1];
  return of(table.schema, schemaGuesses) ?? of(table.name, tableGuesses);
}

export const isRuntime = (name: string) => runtimeColumn.test(name);
export const isHistory = (name: string) => historyTable.test(name);
export const isMetadata = (name: string) => metadataColumn.test(name);
export const isImporter = (name: string) => importerColumn.test(name);
export const isDigest = (name: string) => digestColumn.test(name);

export const userTables = /^(users?|accounts?|people|persons?|admins?)$/i;
export const tenantTables = /^(organi[sz]ations?|tenants?|workspaces?|teams?|companies|company|customers?)$/i;

/** The columns of a stored object, by what they are called in most applications. */
export const blobColumns = {
  key: /^((object|storage|blob|file|s3|bucket)_?(key|path)|key|path)$/i,
  name: /^((original|file)_?name|name|title)$/i,
  size: /^((file|content|byte)_?size|size(_bytes)?|bytes|length)$/i,
  sha256: /^((content|file)_?)?(sha_?256|checksum|digest|hash)$/i,
  contentType: /^(content_?type|mime(_?type)?|media_?type)$/i,
} as const;

export function findColumn(columns: readonly CatalogColumn[], pattern: RegExp): string | undefined {
  return columns.find(({ name, generated }) => !generated && pattern.test(name))?.name;
}
