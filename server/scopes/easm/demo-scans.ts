import type { Row } from "../demo/copy-rows.ts";
import { epoch, type Random, timestamp } from "../demo/random.ts";
import type { DemoInstance } from "./demo-instance.ts";
import { brand, hostOfAsset } from "./demo-words.ts";

const day = 86_400_000;
const modules = ["dns", "ports", "http"] as const;

interface ScanTimes {
  state: string;
  created: number;
  started: number | null;
  finished: number | null;
}

/** An organization's scans follow each other up to now: the last one waits and the one before it runs. */
function scanTimes(instance: DemoInstance, index: number): ScanTimes {
  const { orgs } = instance.options;
  const nth = Math.floor(index / orgs);
  const last = instance.scansOf(index % orgs) - 1;
  const created = epoch - Math.floor(((last - nth) / (last + 1)) * 500 * day) - (index % 977) * 1000;
  if (nth === last) return { state: "queued", created, started: null, finished: null };
  if (nth === last - 1) return { state: "running", created, started: created + 4000, finished: null };
  const state = nth % 7 === 3 ? "failed" : nth % 11 === 5 ? "cancelled" : "completed";
  return { state, created, started: created + 4000, finished: created + 4000 + ((index * 7919) % 7200) * 1000 };
}

export function* scanRows(instance: DemoInstance): Generator<Row> {
  const { scans, organizations, scopes, users, counts, options } = instance;
  for (let index = 0; index < counts["scans"]!; index++) {
    const random = scans.random(index);
    const organization = index % options.orgs;
    const { state, created, started, finished } = scanTimes(instance, index);
    yield {
      id: scans.id(index),
      organization_id: organizations.id(organization),
      scope_id: random.once(8) ? null : scopes.id(organization * 5 + random.below(5)),
      previous_scan_id: index < options.orgs ? null : scans.id(index - options.orgs),
      name: `${random.pick(["Weekly perimeter", "Vollständiger Scan", "Analyse ciblée", "定期スキャン", "فحص سريع"])} #${index + 1}`,
      state,
      priority: random.below(10),
      config: scanConfig(random),
      statistics: scanStatistics(random),
      packets_sent: random.once(20) ? 9007199254740993n : BigInt(random.next()) * 7n,
      progress: finished === null ? "0.1" : 1,
      error_message: state === "failed" ? failure(instance, organization, random) : null,
      created_by: users.id(random.once(5) ? 0 : instance.memberOf(organization, random)),
      created_at: timestamp(created, random),
      started_at: started === null ? null : timestamp(started, random),
      finished_at: finished === null ? null : timestamp(finished, random),
    };
  }
}

function scanConfig(random: Random): string {
  const config = {
    profile: random.pick(["gentle", "standard", "deep"]),
    modules: random.some(modules, 3),
    ports: random.pick(["top-100", "top-1000", "1-65535"]),
    rate_limit: random.below(5000) + 100,
    resolvers: ["192.0.2.53", "2001:db8::53"],
  };
  if (random.once(2)) return JSON.stringify(config);
  return JSON.stringify({ ...config, provider: { name: "shodan", api_key: `shodan-${random.hex(32)}` } });
}

function scanStatistics(random: Random): string {
  // A counter of 64 bits, which JavaScript would round.
  return `{"hosts": ${random.below(4000)}, "bytes": 1844674407370955${random.below(1000)}, "rate": 10.00, "ratio": 1e-7}`;
}

function failure(instance: DemoInstance, organization: number, random: Random): string {
  const asset = instance.assetOf(organization, random);
  const host = asset === null ? `${brand(organization)}.example` : hostOfAsset(instance, asset);
  return random.pick([
    `GET https://scanner:s3cr3t-${random.hex(8)}@${host}/health: connection reset by peer`,
    "Zeitüberschreitung nach 3600 s\n  in module 'http'",
    `could not read C:\\scanner\\wordlists\\${host}.txt`,
  ]);
}

export function* jobRows(instance: DemoInstance): Generator<Row> {
  const { jobs, scans, assets, organizations, options, counts } = instance;
  for (let index = 0; index < counts["scan_jobs"]!; index++) {
    const random = jobs.random(index);
    const scan = Math.floor(index / 3);
    const { state, created, finished } = scanTimes(instance, scan);
    const asset = instance.assetOf(scan % options.orgs, random);
    yield {
      id: jobs.id(index),
      organization_id: organizations.id(scan % options.orgs),
      scan_id: scans.id(scan),
      asset_id: asset === null || random.once(3) ? null : assets.id(asset),
      module: modules[index % 3]!,
      state,
      attempt: 1 + (state === "failed" ? random.below(3) : 0),
      counters: JSON.stringify({ requests: random.below(90000), errors: random.below(40), retried: random.once(4) }),
      error_message: state === "failed" ? failure(instance, scan % options.orgs, random) : null,
      payload: random.once(3) ? null : JSON.stringify({ provider_token: `tok-${random.hex(24)}`, shard: index % 3 }),
      worker_id: state === "running" ? `worker-${random.below(8)}` : null,
      lease_token: state === "running" ? jobs.id(index + 0x40000000) : null,
      lease_expires_at: state === "running" ? timestamp(epoch + 60_000, random) : null,
      created_at: timestamp(created + (index % 3) * 500, random),
      finished_at: finished === null ? null : timestamp(finished, random),
    };
  }
}

const reportTitles = [
  ["en", "Quarterly exposure report", 'Two critical findings remain open.\nSee "Appendix A".'],
  ["de", "Bericht zur Angriffsfläche", "Keine neuen kritischen Befunde – weiter so!"],
  ["fr", "Synthèse de l’exposition", null],
  ["ja", "外部公開資産レポート", "重大な脆弱性は解消されました。"],
  ["ar", "تقرير سطح الهجوم", "لا توجد ثغرات حرجة مفتوحة."],
  ["ru", "Отчёт о внешнем периметре", "Остались две критические находки; C:\\отчёты\\2026"],
] as const;

/** Reports without their documents: a file names its report, so the report is first. */
export function* reportRows(instance: DemoInstance): Generator<Row> {
  const { reports, organizations, scans, users, secrets, counts } = instance;
  for (let index = 0; index < counts["reports"]!; index++) {
    const random = reports.random(index);
    const organization = instance.organizationOfReport(index);
    const [language, title, summary] = random.pick(reportTitles);
    yield {
      id: reports.id(index),
      organization_id: organizations.id(organization),
      scan_id: random.once(6) ? null : scans.id(instance.scanOf(organization, random)),
      title: `${title} ${2024 + random.below(3)}/Q${random.below(4) + 1}`,
      summary,
      language,
      period: random.pick([null, "[2025-10-01,2026-01-01)", "[2026-01-01,)", "empty"]),
      parameters: reportParameters(random),
      share_token: random.once(3) ? `share-${secrets.random(index + 0x20000000).hex(32)}` : null,
      created_by: users.id(instance.memberOf(organization, random)),
      created_at: timestamp(epoch - random.below(500) * day, random),
      expires_at: random.once(4) ? timestamp(epoch + random.below(900) * day) : "infinity",
    };
  }
}

function reportParameters(random: Random): string {
  const parameters = { format: random.pick(["html", "pdf"]), sections: ["summary", "findings"], top: random.below(50) + 5 };
  if (random.once(2)) return JSON.stringify(parameters);
  return JSON.stringify({ ...parameters, deliver_to: `https://hooks.example/services/${random.hex(24)}` });
}
