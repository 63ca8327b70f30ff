import { createHash } from "node:crypto";
import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Row } from "../demo/copy-rows.ts";
import { epoch, type Random, timestamp } from "../demo/random.ts";
import { type DemoInstance, type FileKind, fileKinds } from "./demo-instance.ts";
import { asciiHost, brand, hostOfAsset } from "./demo-words.ts";
import { captureBody, fileBody } from "./file-bodies.ts";

/** Bodies are made, hashed and stored so many at a time. */
const concurrency = 8;

const contentTypes: Record<FileKind, string> = {
  png: "image/png",
  html: "text/html; charset=utf-8",
  json: "application/json",
  pdf: "application/pdf",
  text: "text/plain",
  capture: "application/vnd.tcpdump.pcap",
};

const long = "Gesamtübersicht aller extern erreichbaren Systeme, Dienste und Zertifikate ".repeat(3).trim();

/** Names as people and tools give them: repeated, long, in any script, and awkward for file systems. */
const names: Record<FileKind, readonly string[]> = {
  png: [
    "screenshot.png",
    "screenshot.png",
    "login page (final).png",
    "Startseite Übersicht.png",
    "ログイン画面.png",
    "صفحة الدخول.png",
    "screenshot 🔒👩‍💻.png",
    // Decomposed, as macOS writes it: not the same characters as its composed form.
    "Re\u0301sume\u0301.png",
  ],
  html: ["index.html", "Quarterly exposure report.html", `${long}.html`, "Bericht: Angriffsfläche 2025/Q4 <final>.html"],
  json: ["nuclei.json", "httpx output.json", "aux.json", "raw.tar.json", "NUCLEI.JSON"],
  pdf: ["Executive summary.pdf", "Résumé exécutif – février.pdf", "Отчёт о внешнем периметре.pdf"],
  text: ["robots.txt", "banner", ".htaccess", "notes from call.txt ", "draft.", '50% done & "quoted"\\path.txt'],
  capture: ["full packet capture 2026-02-28.pcap"],
};

interface StoredBody {
  size: number;
  sha256: string;
}

/** Writes the object of every file and gives its row, in the files' order. */
export async function* storeFiles(instance: DemoInstance, blobs: BlobStore): AsyncGenerator<Row> {
  const total = instance.counts["files"]!;
  for (let first = 0; first < total; first += concurrency) {
    const numbers = Array.from({ length: Math.min(concurrency, total - first) }, (_, nth) => first + nth);
    yield* await Promise.all(numbers.map((file) => storeFile(instance, blobs, file)));
  }
}

async function storeFile(instance: DemoInstance, blobs: BlobStore, file: number): Promise<Row> {
  const row = describeFile(instance, file);
  const stored = await storeBody(instance, blobs, file, row);
  return { ...row, size_bytes: stored.size, sha256: stored.sha256 };
}

interface FileRow extends Row {
  object_key: string;
  content_type: string;
}

function describeFile(instance: DemoInstance, file: number): FileRow {
  const { files, organizations, scans, assets, reports, users } = instance;
  const random = files.random(file);
  const kind = instance.kindOfFile(file);
  const organization = instance.organizationOfFile(file);
  const asset = instance.assetOf(organization, random);
  const report = instance.reportOfFile(file);
  const scan = random.once(6) ? null : scans.id(instance.scanOf(organization, random));
  const original = names[kind][Math.floor(file / fileKinds.length + random.below(3)) % names[kind].length]!;
  return {
    id: files.id(file),
    organization_id: organizations.id(organization),
    scan_id: scan,
    asset_id: asset === null || report !== null ? null : assets.id(asset),
    report_id: report === null ? null : reports.id(report),
    object_key: objectKey(organizations.id(organization), scan, files.id(file), original),
    original_name: original,
    content_type: contentTypes[kind],
    perceptual_hash: kind === "png" ? `\\x${random.hex(16)}` : null,
    description: random.once(4) ? random.pick(["Before the fix", "nach dem Update\n(v2)", "証跡 📎"]) : null,
    metadata: fileMetadata(kind, random),
    created_by: random.once(3) ? users.id(instance.memberOf(organization, random)) : null,
    created_at: timestamp(epoch - random.below(4e8) * 100, random),
  };
}

/** The name is shortened by characters, not by UTF-16 units: half an emoji is no valid key. */
function objectKey(organization: string, scan: string | null, file: string, name: string): string {
  const folder = scan === null ? "uploads" : `scans/${scan}`;
  const safe = Array.from(name.replace(/[/\\]/g, "_")).slice(0, 80).join("");
  return `organizations/${organization}/${folder}/${file}-${safe}`;
}

function fileMetadata(kind: FileKind, random: Random): string {
  const metadata = { tool: random.pick(["chromium", "nuclei", "nmap"]), version: "3.10", ...(kind === "png" ? { dpi: 96 } : {}) };
  if (!random.once(5)) return JSON.stringify(metadata);
  return JSON.stringify({ ...metadata, presigned_url: `https://minio.example/easm?X-Amz-Signature=${random.hex(64)}` });
}

async function storeBody(instance: DemoInstance, blobs: BlobStore, file: number, row: FileRow): Promise<StoredBody> {
  const open = bodyOf(instance, file);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of open()) {
    hash.update(chunk);
    size += chunk.length;
  }
  const stored = { size, sha256: hash.digest("hex") };
  const outcome = await blobs.create(row.object_key, open(), { ...stored, contentType: row.content_type });
  if (outcome === "exists") throw new Error(`the blob store already holds ${row.object_key}: fill an empty one`);
  return stored;
}

/** A body that can be read twice: a store wants the digest before the first byte. */
function bodyOf(instance: DemoInstance, file: number): () => AsyncIterable<Uint8Array> {
  const kind = instance.kindOfFile(file);
  const series = instance.files;
  if (kind === "capture") return () => captureBody(instance.options.largeFileBytes ?? 0, series.random(file + 0x20000000));
  const random = series.random(file + 0x20000000);
  const organization = instance.organizationOfFile(file);
  const asset = instance.assetOf(organization, random);
  const host = asset === null ? `www.${brand(organization)}.example` : hostOfAsset(instance, asset);
  const body = fileBody[kind](asciiHost(host), random);
  return async function* () {
    if (body.length > 0) yield body;
  };
}
