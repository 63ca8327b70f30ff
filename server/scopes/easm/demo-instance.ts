import type { DemoRequest } from "../demo/demo.ts";
import { type Random, Series } from "../demo/random.ts";

export interface DemoOptions extends DemoRequest {
  assets: number;
  files: number;
  orgs: number;
}

/** Assets come in families: a domain and what was found below it. */
export const familySize = 16;

/** Of ten files in a row, which kind each is. */
export const fileKinds = ["png", "html", "json", "png", "text", "pdf", "png", "json", "html", "png"] as const;
export type FileKind = (typeof fileKinds)[number] | "capture";

const hasReport = (kind: FileKind) => kind === "html" || kind === "pdf";
const documents = fileKinds.flatMap((kind, position) => (hasReport(kind) ? [position] : []));

/** Who belongs to whom in a demo instance. Rows are numbered per table; everything follows from the numbers. */
export class DemoInstance {
  readonly options: DemoOptions;
  readonly users: Series;
  readonly organizations: Series;
  readonly scopes: Series;
  readonly scans: Series;
  readonly jobs: Series;
  readonly assets: Series;
  readonly edges: Series;
  readonly vulnerabilities: Series;
  readonly changes: Series;
  readonly reports: Series;
  readonly files: Series;
  readonly secrets: Series;
  readonly counts: Record<string, number>;

  constructor(options: DemoOptions) {
    this.options = options;
    const series = (kind: string) => new Series(options.seed, kind);
    this.users = series("user");
    this.organizations = series("organization");
    this.scopes = series("scope");
    this.scans = series("scan");
    this.jobs = series("job");
    this.assets = series("asset");
    this.edges = series("edge");
    this.vulnerabilities = series("vulnerability");
    this.changes = series("change");
    this.reports = series("report");
    this.files = series("file");
    this.secrets = series("secret");
    this.counts = countRows(options);
  }

  organizationOfAsset(asset: number): number {
    return Math.floor(asset / familySize) % this.options.orgs;
  }

  /** The asset below which this one was found; a domain has none. */
  parentOfAsset(asset: number): number | null {
    const member = asset % familySize;
    if (member === 0) return null;
    const family = asset - member;
    if (member >= 7 && member <= 9) return family + member - 6;
    if (member >= 10 && member <= 12) return family + member - 3;
    if (member === 13 || member === 14) return family + member - 12;
    return family;
  }

  /** Some asset of an organization, or none where it has none. */
  assetOf(organization: number, random: Random): number | null {
    const first = organization * familySize;
    if (first >= this.options.assets) return null;
    const stride = this.options.orgs * familySize;
    const families = Math.ceil((this.options.assets - first) / stride);
    const family = first + random.below(families) * stride;
    return Math.min(family + random.below(familySize), this.options.assets - 1);
  }

  /** Some scan of an organization that has ended. */
  scanOf(organization: number, random: Random): number {
    const ended = Math.max(1, this.scansOf(organization) - 2);
    return organization + this.options.orgs * random.below(ended);
  }

  scansOf(organization: number): number {
    return Math.ceil((this.counts["scans"]! - organization) / this.options.orgs);
  }

  /** Some member of an organization; user 0 is the admin and 1 a former one. */
  memberOf(organization: number, random: Random): number {
    return 2 + organization * 3 + random.below(3);
  }

  kindOfFile(file: number): FileKind {
    return file >= this.options.files ? "capture" : fileKinds[file % fileKinds.length]!;
  }

  /** The report that a file is the document of. */
  reportOfFile(file: number): number | null {
    const position = documents.indexOf(file % fileKinds.length);
    if (position < 0 || file >= this.options.files) return null;
    return Math.floor(file / fileKinds.length) * documents.length + position;
  }

  /** The document of a report; the last report of each organization is still being written. */
  fileOfReport(report: number): number | null {
    if (report >= countDocuments(this.options.files)) return null;
    return Math.floor(report / documents.length) * fileKinds.length + documents[report % documents.length]!;
  }

  organizationOfReport(report: number): number {
    const file = this.fileOfReport(report);
    return file === null ? report - countDocuments(this.options.files) : this.organizationOfFile(file);
  }

  organizationOfFile(file: number): number {
    return file % this.options.orgs;
  }
}

function countDocuments(files: number): number {
  const tens = Math.floor(files / fileKinds.length);
  return tens * documents.length + documents.filter((position) => position < files % fileKinds.length).length;
}

function countRows({ assets, files, orgs, largeFileBytes }: DemoOptions): Record<string, number> {
  const scans = Math.max(Math.floor(assets / 500) + 10, orgs * 3);
  return {
    users: 2 + orgs * 3,
    organizations: orgs,
    organization_members: orgs * 4,
    scopes: orgs * 5,
    scans,
    scan_jobs: scans * 3,
    assets,
    asset_edges: Math.floor(assets / 2),
    vulnerabilities: Math.floor(assets / 4),
    exposure_changes: Math.floor(assets / 3),
    reports: countDocuments(files) + orgs,
    files: files + (largeFileBytes === undefined ? 0 : 1),
  };
}
