const linesPerPage = 48;

/** A PDF 1.4 file of lines in Helvetica. Characters beyond ASCII print as a question mark: the font has no others. */
export function encodePdf(title: string, lines: readonly string[]): Uint8Array {
  const pages: string[][] = [];
  for (let at = 0; at < lines.length || at === 0; at += linesPerPage) pages.push(lines.slice(at, at + linesPerPage));
  const kids = pages.map((_, page) => `${5 + page * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    `<< /Title ${literal(title)} /Producer (EASM) >>`,
  ];
  for (const [index, page] of pages.entries()) {
    const content = pageContent(page);
    const resources = "/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 595 842]";
    objects.push(`<< /Type /Page /Parent 2 0 R ${resources} /Contents ${6 + index * 2} 0 R >>`);
    objects.push(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`);
  }
  return assemble(objects);
}

function pageContent(lines: readonly string[]): string {
  return `BT /F1 11 Tf 15 TL 56 780 Td\n${lines.map((line) => `${literal(line)} Tj T*`).join("\n")}\nET`;
}

function literal(text: string): string {
  return `(${text.replace(/[^ -~]/gu, "?").replace(/[\\()]/g, "\\$&")})`;
}

/** Every object is ASCII, so characters count as bytes for the cross-reference table. */
function assemble(objects: readonly string[]): Uint8Array {
  let text = "%PDF-1.4\n";
  const offsets: number[] = [];
  for (const [index, object] of objects.entries()) {
    offsets.push(text.length);
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  const trailer = `trailer\n<< /Size ${size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${text.length}\n%%EOF\n`;
  return new TextEncoder().encode(`${text}xref\n0 ${size}\n0000000000 65535 f \n${table}${trailer}`);
}
