import { arrayLiteral, type Row } from "../demo/copy-rows.ts";
import { daysAgo, epoch, type Random, timestamp } from "../demo/random.ts";
import { type DemoInstance, familySize } from "./demo-instance.ts";
import { addressOfAsset, asciiHost, brand, companyName, domainOfAsset, hostOfAsset } from "./demo-words.ts";

interface Found {
  type: string;
  value: string;
  normalized: string;
  ip: string | null;
  ports: string | null;
  metadata: string;
}

type Finder = (instance: DemoInstance, asset: number, random: Random) => Found;

const services = [
  [443, "https", "nginx"],
  [22, "ssh", "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5"],
  [25, "smtp", "220 mx ESMTP Postfix"],
  [8443, "https", "Apache Tomcat/9.0.98"],
  [3389, "rdp", null],
  [6379, "redis", "-NOAUTH Authentication required.\r\n"],
] as const;

const titles = [
  "Sign in · Portal",
  "Welcome to nginx!",
  "Anmeldung – Kundenportal",
  "403 Forbidden",
  "ログイン",
  "تسجيل الدخول",
  null,
];
const technologies = ["nginx", "Apache HTTP Server", "PHP 8.2", "React", "WordPress 6.5", "Cloudflare", 'jQuery "slim"', "Java"];
const tags = ["production", "crown-jewel", "pci", "third party", "überwacht", "legacy", "🔥", "a,b", "null"];

const foundDomain: Finder = (instance, asset, random) => {
  const value = domainOfAsset(instance, asset);
  const metadata = {
    registrar: random.pick(["Registrar One", "DomainHaus", "お名前"]),
    expires: timestamp(epoch + random.below(700) * 86_400_000).slice(0, 10),
    nameservers: ["ns1.dns.example", "ns2.dns.example"],
    dnssec: random.once(3),
  };
  return { type: "domain", value, normalized: asciiHost(value), ip: null, ports: null, metadata: JSON.stringify(metadata) };
};

const foundSubdomain: Finder = (instance, asset, random) => {
  const value = hostOfAsset(instance, asset);
  const metadata = {
    title: random.pick(titles),
    status: random.pick([200, 301, 403, 503]),
    server: random.pick(["nginx", "cloudflare", null]),
  };
  const ports = arrayLiteral(random.some([80, 443, null, 8080, 8443], 3));
  return { type: "subdomain", value, normalized: asciiHost(value), ip: null, ports, metadata: JSON.stringify(metadata) };
};

const foundAddress: Finder = (_instance, asset, random) => {
  const value = addressOfAsset(asset);
  const where = `"country": "${random.pick(["DE", "JP", "FR", "BR", "NL"])}", "geo": [${random.below(90)}.10, -${random.below(180)}.0]`;
  const metadata = `{"asn": ${64512 + random.below(1023)}, ${where}}`;
  return { type: "ip_address", value, normalized: value, ip: value, ports: "{80,443}", metadata };
};

const foundService: Finder = (_instance, asset, random) => {
  const ip = addressOfAsset(asset - 3);
  const [port, protocol, banner] = random.pick(services);
  const value = `${ip.includes(":") ? `[${ip}]` : ip}:${port}/tcp`;
  const metadata = JSON.stringify({ protocol, banner, tls: protocol === "https" ? "TLSv1.3" : null });
  return { type: "service", value, normalized: value, ip, ports: arrayLiteral([port]), metadata };
};

const foundCertificate: Finder = (instance, asset, random) => {
  const host = hostOfAsset(instance, asset - 12);
  const organization = companyName(instance.organizationOfAsset(asset));
  // Serial numbers have up to 20 octets (RFC 5280, 4.1.2.2): far beyond a JavaScript number.
  const serial = `${1 + random.below(9)}${String(random.next()).padStart(10, "0")}${String(random.next()).padStart(10, "0")}`;
  const names = JSON.stringify([asciiHost(host), asciiHost(domainOfAsset(instance, asset))]);
  return {
    type: "certificate",
    value: `CN=${host}, O=${organization}`,
    normalized: `serial:${instance.assets.id(asset).replaceAll("-", "")}`,
    ip: null,
    ports: null,
    metadata: `{"serial": ${serial}, "issuer": "Example CA R${random.below(9)}", "names": ${names}}`,
  };
};

const foundUrl: Finder = (instance, asset, random) => {
  const host = hostOfAsset(instance, asset - 12);
  const path = random.pick(["/login", "/.git/config", "/api/v2/users?page=1", "/über-uns", "/a\\b", "/%D0%B0"]);
  const metadata = JSON.stringify({ status: random.pick([200, 401]), length: random.below(90_000), title: random.pick(titles) });
  const normalized = `https://${asciiHost(host)}${path}`;
  return { type: "url", value: `https://${host}${path}`, normalized, ip: null, ports: null, metadata };
};

const foundBucket: Finder = (instance, asset, random) => {
  const value = `s3://${brand(instance.organizationOfAsset(asset))}-${Math.floor(asset / familySize)}-backups`;
  const metadata = JSON.stringify({
    provider: random.pick(["aws", "minio"]),
    public: random.once(4),
    token: `sts-${random.hex(16)}`,
  });
  return { type: "cloud_resource", value, normalized: value, ip: null, ports: null, metadata };
};

function find(instance: DemoInstance, asset: number, random: Random): Found {
  const member = asset % familySize;
  if (member === 0) return foundDomain(instance, asset, random);
  if (member <= 6) return foundSubdomain(instance, asset, random);
  if (member <= 9) return foundAddress(instance, asset, random);
  if (member <= 12) return foundService(instance, asset, random);
  if (member === 13) return foundCertificate(instance, asset, random);
  return member === 14 ? foundUrl(instance, asset, random) : foundBucket(instance, asset, random);
}

const bigCounts = [9007199254740993n, -1n, 9223372036854775807n];

export function* assetRows(instance: DemoInstance): Generator<Row> {
  const { assets, organizations, scans, users, options } = instance;
  for (let asset = 0; asset < options.assets; asset++) {
    const random = assets.random(asset);
    const organization = instance.organizationOfAsset(asset);
    const parent = instance.parentOfAsset(asset);
    const { type, value, normalized, ip, ports, metadata } = find(instance, asset, random);
    const firstSeen = daysAgo(random, 500);
    yield {
      id: assets.id(asset),
      organization_id: organizations.id(organization),
      parent_asset_id: parent === null ? null : assets.id(parent),
      type,
      value,
      normalized_value: normalized,
      ip,
      ports,
      technologies: random.once(3) ? arrayLiteral(random.some(technologies, 2)) : "{}",
      tags: random.once(4) ? arrayLiteral([...random.some(tags, 2), ...(random.once(10) ? [null] : [])]) : "{}",
      notes: random.once(40)
        ? random.pick(['Owner says "decommission"\\soon 🗑️', "שרת ישן\nלבדוק", "Nicht anfassen!\t– Ops"])
        : null,
      risk_score: random.once(3) ? null : random.pick(["10.00", "0.00", "100.00", "37.50", "7.05"]),
      bytes_seen: random.once(50) ? random.pick(bigCounts) : random.once(2) ? random.next() : null,
      metadata,
      first_seen_scan_id: random.once(2) ? null : scans.id(instance.scanOf(organization, random)),
      last_seen_scan_id: scans.id(instance.scanOf(organization, random)),
      created_by: random.once(30) ? users.id(instance.memberOf(organization, random)) : null,
      first_seen_at: timestamp(firstSeen, random),
      last_seen_at: timestamp(firstSeen + Math.floor((epoch - firstSeen) * 0.9), random),
    };
  }
}

function relationTo(member: number): string {
  if (member <= 6) return "contains";
  if (member <= 9) return "resolves_to";
  if (member <= 12) return "exposes";
  return member === 13 ? "secured_by" : member === 14 ? "serves" : "contains";
}

/** Every second asset, and what it was found through. */
export function* edgeRows(instance: DemoInstance): Generator<Row> {
  const { assets, edges, organizations, counts } = instance;
  for (let edge = 0; edge < counts["asset_edges"]!; edge++) {
    const random = edges.random(edge);
    const asset = edge * 2 + 1;
    yield {
      source_asset_id: assets.id(instance.parentOfAsset(asset)!),
      target_asset_id: assets.id(asset),
      relation: relationTo(asset % familySize),
      organization_id: organizations.id(instance.organizationOfAsset(asset)),
      confidence: random.pick([1, 0.1, "0.30000000000000004", "1e-07", 0.95]),
      properties: random.once(3) ? `{"ttl": ${random.below(86_400)}, "weight": ${random.below(10)}.50}` : "{}",
      created_at: timestamp(daysAgo(random, 500), random),
    };
  }
}
