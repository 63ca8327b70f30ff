import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Row, Rows } from "../demo/copy-rows.ts";
import { daysAgo, epoch } from "../demo/random.ts";
import { moment } from "./demo-accounts.ts";
import { type DemoInstance, sealed } from "./demo-instance.ts";
import { storeObject } from "./demo-items.ts";

/** Everything that a backup leaves behind, so that it can be seen to stay. */
export function excludedTables(instance: DemoInstance, blobs: BlobStore): Record<string, Rows> {
  return {
    devices: perUser(instance, "device", (user, nth, random) => ({
      user_id: user,
      device_identifier: instance.excluded.id(nth),
      name: "Firefox – Büro",
      type: random.below(15),
      session_stamp: random.hex(32),
      created_at: moment(daysAgo(random, 300)),
      updated_at: moment(daysAgo(random, 30)),
    })),
    refresh_tokens: perUser(instance, "refresh", (user, nth, random) => ({
      token: `nw-refresh-${random.hex(64)}`,
      user_id: user,
      expires_at: epoch + random.below(9e8),
      device_identifier: instance.excluded.id(nth),
    })),
    trusted_two_factor_device_tokens: perUser(instance, "trusted", (user, nth, random) => ({
      token: `nw-trusted-${random.hex(64)}`,
      user_id: user,
      device_identifier: instance.excluded.id(nth),
      expires_at: epoch + random.below(9e8),
    })),
    invites: perUser(instance, "invite", (user, nth, random) => ({
      code: `nw-invite-${random.hex(24)}`,
      created_by: instance.users.id(0),
      used_by: nth % 2 === 0 ? user : null,
      expires_at: moment(epoch),
      status: nth % 2 === 0 ? "used" : "active",
      created_at: moment(daysAgo(random, 300)),
      updated_at: moment(daysAgo(random, 30)),
    })),
    audit_logs: perUser(instance, "audit", (user, nth, random) => ({
      id: instance.excluded.id(nth + 3_000_000),
      actor_user_id: user,
      action: "cipher.create",
      metadata: `{"ip":"198.51.100.${random.below(256)}"}`,
      created_at: moment(daysAgo(random, 300)),
    })),
    auth_requests: perUser(instance, "request", (user, nth, random) => ({
      id: instance.excluded.id(nth + 4_000_000),
      user_id: user,
      type: 0,
      request_device_identifier: instance.excluded.id(nth),
      access_code: `nw-access-${random.hex(20)}`,
      public_key: random.hex(64),
      creation_date: moment(daysAgo(random, 3)),
    })),
    totp_login_replays: perUser(instance, "replay", (user, _, random) => ({
      user_id: user,
      time_counter: 58_000_000 + random.below(1000),
      consumed_at: epoch,
    })),
    webauthn_challenges: perUser(instance, "challenge", (user, _, random) => ({
      challenge_hash: `nw-challenge-${random.hex(64)}`,
      scope: "login",
      user_id: user,
      expires_at: epoch,
      created_at: epoch,
    })),
    login_attempts_ip: [{ ip: "203.0.113.7", attempts: 9, locked_until: epoch, updated_at: epoch }],
    used_attachment_download_tokens: [{ jti: `nw-download-${instance.excluded.random(0).hex(32)}`, expires_at: epoch }],
    sends: storeSends(instance, blobs),
  };
}

type Random = ReturnType<DemoInstance["excluded"]["random"]>;

function* perUser(
  { users, excluded, options }: DemoInstance,
  kind: string,
  row: (user: string, nth: number, random: Random) => Row,
): Generator<Row> {
  const offset = [...kind].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1_000_000;
  for (let user = 0; user < options.users; user++) {
    yield row(users.id(user), user, excluded.random(offset * 100 + user));
  }
}

/** Every user shares a text, and every second one a file. */
async function* storeSends({ users, excluded, options }: DemoInstance, blobs: BlobStore): AsyncGenerator<Row> {
  for (let user = 0; user < options.users; user++) {
    const random = excluded.random(user);
    const id = excluded.id(user + 1_000_000);
    const file = excluded.id(user + 2_000_000);
    const isFile = user % 2 === 1;
    if (isFile) await storeObject(blobs, `sends/${id}/${file}`, random.bytes(1000 + random.below(9000)));
    yield {
      id,
      user_id: users.id(user),
      type: isFile ? 1 : 0,
      name: sealed(random),
      data: isFile ? `{"id":"${file}","fileName":"${sealed(random)}"}` : `{"text":"${sealed(random)}","hidden":false}`,
      key: `nw-send-key-${random.hex(32)}`,
      password_hash: random.once(2) ? `nw-send-hash-${random.hex(32)}` : null,
      created_at: moment(daysAgo(random, 9)),
      updated_at: moment(daysAgo(random, 9)),
      deletion_date: moment(epoch + 9e8),
    };
  }
}
