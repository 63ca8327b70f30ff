import { createCipheriv } from "node:crypto";
import type { Random } from "../demo/random.ts";
import { templates } from "./demo-findings.ts";
import type { FileKind } from "./demo-instance.ts";
import { encodePdf } from "./pdf.ts";
import { encodePng } from "./png.ts";

const encoder = new TextEncoder();

/** What a stored file holds, by its kind. `host` is the one it was taken of. */
export const fileBody: Record<Exclude<FileKind, "capture">, (host: string, random: Random) => Uint8Array> = {
  png: (_host, random) => screenshot(random),
  html: (host, random) => encoder.encode(htmlReport(host, random)),
  json: (host, random) => encoder.encode(rawOutput(host, random)),
  pdf: (host, random) => encodePdf(`Exposure of ${host}`, pdfLines(host, random)),
  // A scanner that found nothing leaves an empty file.
  text: (host, random) => encoder.encode(random.once(3) ? "" : portScan(host, random)),
};

/** A page with a header, a menu, lines of text, and a photograph that does not compress. */
function screenshot(random: Random): Uint8Array {
  const width = 640 + random.below(5) * 160;
  const height = 480 + random.below(4) * 80;
  const pixels = new Uint8Array(width * height).fill(1);
  const fill = (x: number, y: number, w: number, h: number, colour: number) => {
    for (let line = y; line < Math.min(y + h, height); line++)
      pixels.fill(colour, line * width + x, line * width + Math.min(x + w, width));
  };
  fill(0, 0, width, 40, 2);
  fill(0, 40, 120, height, 3);
  for (let y = 60; y < height - 12; y += 18) {
    for (let x = 140; x < width - 60; x += 8 + random.below(50)) fill(x, y, 4 + random.below(30), 8, 4 + random.below(3));
  }
  const side = 80 + random.below(330);
  for (let y = 0; y < side; y++) pixels.set(random.bytes(side), (50 + y) * width + 130);
  return encodePng({ width, height, pixels, palette: palette(random) });
}

function palette(random: Random): Uint8Array {
  const colours = new Uint8Array(random.bytes(256 * 3));
  colours.set([0, 0, 0, 255, 255, 255, 28, 43, 74, 238, 241, 246, 51, 51, 51, 90, 90, 110, 20, 90, 160]);
  return colours;
}

function htmlReport(host: string, random: Random): string {
  const rows = Array.from({ length: 12 + random.below(140) }, (_, index) => {
    const { title, severity, cvss, description } = random.pick(templates);
    const cells = [index + 1, severity, cvss ?? "–", title, description ?? ""];
    return `<tr class="${severity}">${cells.map((cell) => `<td>${escapeHtml(String(cell))}</td>`).join("")}</tr>`;
  });
  return [
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Exposure of ${escapeHtml(host)}</title>`,
    "<style>body{font:15px/1.5 system-ui;margin:3rem}td{padding:.3rem .8rem;border-bottom:1px solid #ddd}.critical{color:#a00}</style>",
    `<h1>Exposure of ${escapeHtml(host)}</h1>\n<table>\n${rows.join("\n")}\n</table>\n</html>\n`,
  ].join("\n");
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function rawOutput(host: string, random: Random): string {
  const results = Array.from({ length: 8 + random.below(200) }, () => {
    const { title, severity } = random.pick(templates);
    return {
      "template-id": `t-${random.hex(6)}`,
      info: { name: title, severity, tags: ["exposure", null] },
      host,
      "matched-at": `https://${host}/${random.hex(4)}?q=%22'`,
      timestamp: "2026-02-28T23:59:59.999999Z",
      meta: { bytes: random.next(), hash: random.hex(64) },
    };
  });
  return `${JSON.stringify(results, null, 1)}\n`;
}

function pdfLines(host: string, random: Random): string[] {
  const lines = [`Executive summary: ${host}`, ""];
  for (let index = 1; index <= 10 + random.below(120); index++) {
    const { title, severity, cvss } = random.pick(templates);
    lines.push(`${index}. [${severity}] ${title} (CVSS ${cvss ?? "n/a"})`);
  }
  return lines;
}

function portScan(host: string, random: Random): string {
  const ports = Array.from({ length: 3 + random.below(60) }, () => {
    const port = random.below(65_535) + 1;
    return `${port}/tcp\t${random.pick(["open", "filtered", "closed"])}\t${random.pick(["http", "ssh", "unknown", "“?”"])}\r\n`;
  });
  return `# scan of ${host}\r\n${ports.join("")}# done ✔\r\n`;
}

const captureChunk = new Uint8Array(256 * 1024);

/** A packet capture of any size: the same bytes for the same random numbers, a chunk at a time, and incompressible. */
export async function* captureBody(bytes: number, random: Random): AsyncGenerator<Uint8Array> {
  const keystream = createCipheriv("aes-256-ctr", random.bytes(32), random.bytes(16));
  for (let left = bytes; left > 0; left -= captureChunk.length) {
    yield keystream.update(captureChunk.subarray(0, Math.min(left, captureChunk.length)));
  }
}
