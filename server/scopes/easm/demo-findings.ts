import { arrayLiteral, type Row } from "../demo/copy-rows.ts";
import { daysAgo, epoch, type Random, timestamp } from "../demo/random.ts";
import type { DemoInstance } from "./demo-instance.ts";
import { asciiHost, hostOfAsset } from "./demo-words.ts";

interface Template {
  title: string;
  severity: string;
  cvss: string | null;
  description: string | null;
  remediation: string | null;
}

const template = (severity: string, cvss: string | null, title: string, description: string | null, remediation: string | null) =>
  ({ title, severity, cvss, description, remediation }) satisfies Template;

// biome-ignore format: one finding a line
export const templates: readonly Template[] = [
  template("critical", "10.00", "Remote code execution in logging library", "A crafted header value is evaluated: `jndi:ldap://…`.", "Upgrade to a fixed release."),
  template("critical", "9.80", "Unauthenticated admin interface", "The panel at /admin answers without a login 🔓", "Restrict by network and require single sign-on."),
  template("high", "8.10", "SQL-Injection im Suchformular", "Der Parameter `q` gelangt ungefiltert in die Abfrage: ' OR '1'='1' --", "Vorbereitete Anweisungen verwenden."),
  template("high", "7.50", "Directory traversal through encoded path", "GET /static/..%5c..%5cwindows\\win.ini returns the file.", "Normalize the path before checking it."),
  template("high", "7.50", "Dépôt .git exposé", "Le fichier « /.git/config » est lisible par tous.", "Interdire l’accès aux répertoires cachés."),
  template("medium", "6.10", "反射型クロスサイトスクリプティング", "入力値 <script>alert(\"x\")</script> がそのまま出力されます。", "出力時にエスケープしてください。"),
  template("medium", "5.30", "شهادة TLS منتهية الصلاحية", "انتهت صلاحية الشهادة قبل ٣٠ يومًا (CN=www).", "جدّد الشهادة وفعّل التجديد التلقائي."),
  template("medium", "5.90", "Устаревшая версия TLS", "Сервер принимает TLS 1.0 и 1.1.\nШифры:\n\tRC4-SHA\n\tDES-CBC3-SHA", null),
  template("low", "3.10", "כותרת Content-Security-Policy חסרה", null, "הוסיפו כותרת CSP."),
  template("low", "2.00", "Cookie without Secure flag", "Set-Cookie: id=…; Path=/; \"SameSite\" missing", "Set Secure, HttpOnly and SameSite."),
  template("info", "0.00", "Server banner discloses its version", null, null),
  template("info", null, "缺少 security.txt 文件", "依照 RFC 9116 应提供 /.well-known/security.txt。", null),
];

const statuses = ["open", "open", "open", "triaged", "accepted", "false_positive", "resolved"] as const;

export function* vulnerabilityRows(instance: DemoInstance): Generator<Row> {
  const { vulnerabilities, assets, organizations, scans, users, counts } = instance;
  for (let index = 0; index < counts["vulnerabilities"]!; index++) {
    const random = vulnerabilities.random(index);
    const asset = index * 4 + random.below(4);
    const organization = instance.organizationOfAsset(asset);
    const found = daysAgo(random, 400);
    const status = random.pick(statuses);
    const member = () => users.id(instance.memberOf(organization, random));
    yield {
      id: vulnerabilities.id(index),
      organization_id: organizations.id(organization),
      asset_id: assets.id(asset),
      scan_id: random.once(5) ? null : scans.id(instance.scanOf(organization, random)),
      fingerprint: vulnerabilities.id(index + 0x40000000).replaceAll("-", ""),
      ...random.pick(templates),
      epss: random.pick(["0.97530", "0.00042", "1e-7", "NaN", null]),
      cves: cves(random),
      status,
      notes: random.once(6) ? random.pick(['false alarm?\r\nask "Ops"', "siehe Ticket \\#4711", "要確認 ⚠️"]) : null,
      evidence: random.once(3) ? null : evidence(asciiHost(hostOfAsset(instance, asset)), random),
      assigned_to: random.once(3) ? member() : null,
      created_by: random.once(20) ? member() : null,
      snoozed_until: snooze(random),
      first_detected_at: timestamp(found, random),
      resolved_at: status === "resolved" ? timestamp(found + Math.floor((epoch - found) / 2), random) : null,
    };
  }
}

function cves(random: Random): string | null {
  if (random.once(4)) return null;
  const cve = () => `CVE-${2019 + random.below(7)}-${1000 + random.below(48_000)}`;
  return arrayLiteral(random.pick([[], [cve()], [cve(), cve()], [cve(), null]]));
}

function snooze(random: Random): string | null {
  if (!random.once(8)) return null;
  return random.once(2) ? "infinity" : timestamp(epoch + random.below(90) * 86_400_000);
}

function evidence(host: string, random: Random): string {
  const found = {
    matched_at: `https://${host}/${random.hex(6)}`,
    response: { status: random.pick([200, 500]), excerpt: "<title>Index of /\\backup</title>\n" },
  };
  if (!random.once(4)) return JSON.stringify(found);
  const authorization = `Bearer probe-${random.hex(24)}`;
  return JSON.stringify({
    ...found,
    request: { method: "GET", headers: { authorization } },
    response: { ...found.response, headers: { server: "nginx", "set-cookie": `sid=${random.hex(24)}` } },
    curl_command: `curl -H 'Authorization: ${authorization}' https://${host}/`,
  });
}

const kinds = ["appeared", "changed", "disappeared", "reopened"] as const;

export function* changeRows(instance: DemoInstance): Generator<Row> {
  const { changes, assets, organizations, scans, users, counts } = instance;
  for (let index = 0; index < counts["exposure_changes"]!; index++) {
    const random = changes.random(index);
    const asset = index * 3 + random.below(3);
    const organization = instance.organizationOfAsset(asset);
    const kind = random.pick(kinds);
    yield {
      event_id: changes.id(index),
      organization_id: organizations.id(organization),
      asset_id: random.once(50) ? null : assets.id(asset),
      scan_id: random.once(4) ? null : scans.id(instance.scanOf(organization, random)),
      kind,
      summary: random.once(4)
        ? random.pick(["Port 22/tcp opened", "Zertifikat erneuert ✓", "新しいサブドメイン", 'Title: "\\o/"'])
        : null,
      before: kind === "appeared" ? null : snapshot(random),
      after: kind === "disappeared" ? null : snapshot(random),
      actor_id: random.once(25) ? users.id(instance.memberOf(organization, random)) : null,
      occurred_at: timestamp(daysAgo(random, 400), random),
    };
  }
}

function snapshot(random: Random): string {
  const facts = `"ports": [80, ${random.pick(["443", "null"])}], "score": ${random.below(100)}.50, "hash": ${random.next()}${random.next()}`;
  return random.once(30) ? `{${facts}, "token": "sts-${random.hex(16)}"}` : `{${facts}}`;
}
