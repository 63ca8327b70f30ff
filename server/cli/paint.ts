import type { WriteStream } from "node:tty";

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const;

/** Colours for one stream; plain text where it wants none. */
export type Paint = Record<keyof typeof codes, (text: string) => string>;

export function paintFor(enabled: boolean): Paint {
  const paint = ([open, close]: readonly [number, number]) =>
    enabled ? (text: string) => `\x1b[${open}m${text}\x1b[${close}m` : (text: string) => text;
  return Object.fromEntries(Object.entries(codes).map(([name, code]) => [name, paint(code)])) as Paint;
}

/** `--no-color` decides, then FORCE_COLOR, then NO_COLOR (https://no-color.org), then whether it is a terminal. */
export function wantsColor(stream: Partial<WriteStream>, noColor: boolean, env = process.env): boolean {
  if (noColor) return false;
  const force = env["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  if (env["NO_COLOR"]) return false;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
