import { arrayLiteral, type Row } from "../demo/copy-rows.ts";
import { daysAgo, epoch, type Random, Series, timestamp } from "../demo/random.ts";
import type { DemoInstance } from "./demo-instance.ts";
import { brand, companyName, emailOfUser, industry, madeUpSecret, personName } from "./demo-words.ts";

export const defaultAdminEmail = "admin@easm.example";

/** Columns of a user whom nobody can sign in as: the hash is of no password. */
function userRow(series: Series, index: number, email: string, name: string): Row {
  const random = series.random(index);
  const created = daysAgo(random, 900);
  return {
    id: series.id(index),
    email,
    display_name: name,
    password_hash: `$argon2id$v=19$m=65536,t=3,p=4$${random.hex(22)}$${random.hex(43)}`,
    totp_secret: random.once(2) ? null : random.hex(32).toUpperCase(),
    recovery_codes: random.once(3) ? null : arrayLiteral([random.hex(10), random.hex(10)]),
    is_admin: index < 2,
    is_active: index !== 1,
    last_login_at: index === 1 ? null : timestamp(epoch - random.below(9e8), random),
    last_login_ip: `198.51.100.${random.below(256)}`,
    created_at: timestamp(created, random),
    updated_at: timestamp(created + random.below(8e8), random),
  };
}

/** The only user of an installation that has just been set up. */
export function firstAdmin(email: string): Row {
  return userRow(new Series(0, "first admin"), 0, email, "Administrator");
}

export function* userRows({ users, counts, options }: DemoInstance): Generator<Row> {
  yield userRow(users, 0, options.adminEmail ?? defaultAdminEmail, "Admin");
  yield userRow(users, 1, "former.admin@easm.example", "Günther (left the company) 👋");
  for (let user = 2; user < counts["users"]!; user++) {
    const organization = Math.floor((user - 2) / 3);
    yield userRow(users, user, emailOfUser(user, organization), personName(user));
  }
}

export function* organizationRows(instance: DemoInstance): Generator<Row> {
  const { organizations, users, options, secrets } = instance;
  for (let index = 0; index < options.orgs; index++) {
    const random = organizations.random(index);
    const created = timestamp(daysAgo(random, 800), random);
    yield {
      id: organizations.id(index),
      slug: brand(index),
      name: companyName(index),
      description: describe(index, random),
      industry: industry(index),
      settings: organizationSettings(random),
      monthly_budget: random.pick(["10.00", "12500.00", "999999999999.99", "0.10", null, "NaN"]),
      shodan_api_key: madeUpSecret(secrets, "shodan-", index * 5),
      censys_api_id: random.once(3) ? null : madeUpSecret(secrets, "censys-id-", index * 5 + 1),
      censys_api_secret: random.once(3) ? null : madeUpSecret(secrets, "censys-", index * 5 + 2),
      virustotal_api_key: madeUpSecret(secrets, "vt-", index * 5 + 3),
      webhook_secret: madeUpSecret(secrets, "whsec_", index * 5 + 4),
      created_by: users.id(random.pick([0, 1, 2])),
      created_at: created,
      updated_at: created,
    };
  }
}

function describe(index: number, random: Random): string | null {
  return random.pick([
    null,
    `Perimeter of ${companyName(index)}.\nContact: security\\noc, "24/7" 📞`,
    "Kritische Infrastruktur – Meldepflicht binnen 24 Stunden.",
    "العميل يطلب تقريرًا شهريًا (PDF)",
    "重要顧客。\t連絡は日本語で。",
  ]);
}

function organizationSettings(random: Random): string {
  return JSON.stringify({
    language: random.pick(["en", "de", "fr", "ja", "ar"]),
    timezone: random.pick(["Europe/Berlin", "Asia/Tokyo", "UTC"]),
    report_day: random.below(28) + 1,
    severity_floor: random.pick(["low", "medium"]),
    colors: { accent: `#${random.hex(6)}` },
    sso: { client_secret: `sso-${random.hex(24)}` },
  });
}

export function* memberRows(instance: DemoInstance): Generator<Row> {
  const { organizations, users, options } = instance;
  for (let organization = 0; organization < options.orgs; organization++) {
    const random = organizations.random(organization);
    for (let nth = 0; nth < 4; nth++) {
      yield {
        organization_id: organizations.id(organization),
        user_id: users.id(nth === 0 ? 0 : 1 + organization * 3 + nth),
        role: ["owner", "analyst", "analyst", "viewer"][nth]!,
        invited_by: nth === 0 ? null : users.id(0),
        joined_at: timestamp(daysAgo(random, 700), random),
      };
    }
  }
}

export function* scopeRows(instance: DemoInstance): Generator<Row> {
  const { organizations, scopes, users, counts } = instance;
  for (let index = 0; index < counts["scopes"]!; index++) {
    const random = scopes.random(index);
    const organization = Math.floor(index / 5);
    const created = timestamp(daysAgo(random, 600), random);
    yield {
      id: scopes.id(index),
      organization_id: organizations.id(organization),
      ...target(organization, index % 5),
      description: random.pick([null, "Hauptdomain", 'Do not scan on weekends: "change freeze"', "Périmètre validé ✅"]),
      is_excluded: index % 5 === 4,
      is_default: index % 5 === 0,
      scan_profile: scanProfile(random),
      allowed_hours: random.pick([null, '["2026-01-01 20:00:00+00","2026-12-31 04:00:00+00")', '["2026-01-01 00:00:00+00",)']),
      scan_interval: random.pick([null, "1 day", "7 days", "1 mon 3 days 04:05:06.5"]),
      next_scan_at: random.once(2) ? null : timestamp(epoch + random.below(6e8), random),
      created_by: users.id(instance.memberOf(organization, random)),
      created_at: created,
      updated_at: created,
    };
  }
}

function target(organization: number, nth: number): Row {
  const second = 18 + (organization & 1);
  const targets: [string, string, string | null][] = [
    ["domain", `${brand(organization)}.example`, null],
    ["cidr", `198.${second}.0.0/16`, `198.${second}.0.0/16`],
    ["cidr", "2001:db8::/32", "2001:db8::/32"],
    ["asn", `AS${64512 + organization}`, null],
    ["domain", `legacy.${brand(organization)}.example`, null],
  ];
  const [kind, value, network] = targets[nth]!;
  return { kind, value, network };
}

function scanProfile(random: Random): string {
  const profile = { profile: random.pick(["gentle", "standard", "deep"]), user_agent: "easm-scanner", depth: random.below(5) };
  if (random.once(2)) return JSON.stringify(profile);
  return JSON.stringify({ ...profile, credentials: { username: "scanner", password: `scan-${random.hex(16)}` } });
}
