const numbers = new Intl.NumberFormat("en");
const dates = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export const number = (value: number) => numbers.format(value);

export function size(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? number(value) : value.toFixed(1)} ${units[power]}`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** What a bundle says of its time may be anything. */
export function date(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : dates.format(time);
}

export const words = (name: string) => name.replaceAll("_", " ");

export function duration(seconds: number): string {
  if (seconds < 1) return "a moment";
  if (seconds < 90) return counted(Math.round(seconds), "second");
  if (seconds < 5400) return counted(Math.round(seconds / 60), "minute");
  return `${(seconds / 3600).toFixed(1)} hours`;
}

export const speed = (bytesPerSecond: number) => `${size(bytesPerSecond)}/s`;

export function percent(done: number, total: number): string {
  return `${total === 0 ? 100 : Math.floor((100 * done) / total)} %`;
}
