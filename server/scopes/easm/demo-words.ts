import { domainToASCII } from "node:url";
import type { Series } from "../demo/random.ts";
import { type DemoInstance, familySize } from "./demo-instance.ts";

const companies = [
  ["Nordlicht Energie AG", "Energy"],
  ["Aurora Health Partners", "Healthcare"],
  ["Banque du Léman", "Finance"],
  ["東都ロジスティクス", "Logistics"],
  ["Kraków Software House", "Technology"],
  ["Müller & Söhne GmbH", "Manufacturing"],
  ["شركة النخيل للتجارة", "Retail"],
  ['O\'Brien "Harbour" Insurance', "Insurance"],
  ["Cidade Verde Telecom", "Telecommunications"],
  ["Северный порт", "Transport"],
] as const;

const brands = [
  "nordlicht",
  "aurora-health",
  "banque-leman",
  "toto-logistics",
  "krakow-soft",
  "mueller-soehne",
  "nakheel",
  "obrien-harbour",
  "cidade-verde",
  "sevport",
] as const;

// biome-ignore format: a list of words
const words = [
  "portal", "shop", "cloud", "group", "online", "services", "pay", "careers", "media", "labs", "invest", "connect",
  "supply", "büro", "digital", "partners", "events", "store", "mobile", "data", "größe", "global", "care", "tech",
  "insights", "東京", "academy", "trade", "green", "direct", "тест", "secure", "travel", "campus", "space", "élan",
] as const;

// biome-ignore format: a list of words
const hosts = [
  "www", "mail", "vpn", "api", "staging", "dev", "git", "jenkins", "grafana", "cdn", "sso", "intranet", "webmail",
  "autodiscover", "remote", "test", "shop", "status", "docs", "files", "legacy", "backup", "admin", "m",
] as const;

/** Reserved by RFC 2606: a demo never names somebody's real host. */
const suffixes = ["example", "example.com", "example.net", "example.org"] as const;

export function companyName(organization: number): string {
  const round = Math.floor(organization / companies.length);
  const [name] = companies[organization % companies.length]!;
  return round === 0 ? name : `${name} ${round + 1}`;
}

export function industry(organization: number): string {
  return companies[organization % companies.length]![1];
}

export function brand(organization: number): string {
  const round = Math.floor(organization / brands.length);
  return round === 0 ? brands[organization % brands.length]! : `${brands[organization % brands.length]}-${round + 1}`;
}

/** The name that a family of assets hangs below, as people write it. */
export function domainOfAsset(instance: DemoInstance, asset: number): string {
  const family = Math.floor(asset / familySize);
  const { orgs } = instance.options;
  const nth = Math.floor(family / orgs);
  const suffix = suffixes[nth % suffixes.length]!;
  if (nth === 0) return `${brand(family % orgs)}.${suffix}`;
  const round = Math.floor(nth / words.length);
  return `${brand(family % orgs)}-${words[nth % words.length]}${round === 0 ? "" : round}.${suffix}`;
}

/** A host below the family's domain: the one that member 1 to 6 is, or that others were found on. */
export function hostOfAsset(instance: DemoInstance, asset: number): string {
  const family = Math.floor(asset / familySize);
  const member = asset % familySize;
  // 5 and the number of host names have no common factor: the members of a family get different ones.
  return `${hosts[(family + member * 5) % hosts.length]}.${domainOfAsset(instance, asset)}`;
}

// Not every Unicode name is worth the call into the URL parser; most are ASCII already.
export function asciiHost(host: string): string {
  return /^[ -~]*$/.test(host) ? host.toLowerCase() : domainToASCII(host);
}

/**
 * The address of a family's member 7 to 9: RFC 2544's benchmark network, then RFC 6598's shared one, every fourth in
 * RFC 3849's documentation prefix. None is anybody's.
 */
export function addressOfAsset(asset: number): string {
  const family = Math.floor(asset / familySize);
  const n = family * 3 + (asset % familySize) - 7;
  if (n % 4 === 3) return `2001:db8:${((n >>> 16) + 1).toString(16)}:${(n & 0xffff).toString(16)}::${(n % 9) + 1}`;
  if (n < 0x20000) return `198.${18 + (n >>> 16)}.${(n >>> 8) & 255}.${n & 255}`;
  const shared = (n - 0x20000) % 0x400000;
  return `100.${64 + (shared >>> 16)}.${(shared >>> 8) & 255}.${shared & 255}`;
}

// biome-ignore format: a list of names
const people = [
  "Ada Okafor", "Jürgen Weiß", "Łucja Żółtowska", "María-José Núñez", "Нина Иванова", "佐藤 花子", "ليلى حسن",
  "Seán O'Neill", "Priya “PJ” Raman", "Åse Bjørnstad", "Đặng Minh", "דנה לוי",
] as const;

export function personName(user: number): string {
  return people[user % people.length]!;
}

const handles = ["ada", "juergen", "lucja", "mj.nunez", "nina", "hanako", "layla", "sean", "priya", "ase", "minh", "dana"];

export function emailOfUser(user: number, organization: number): string {
  return `${handles[user % handles.length]}.${user}@${brand(organization)}.example`;
}

/** Stands in for a secret: random enough to be unique, and plainly made up. */
export function madeUpSecret(series: Series, prefix: string, index: number): string {
  return `${prefix}${series.random(index).hex(40)}`;
}
