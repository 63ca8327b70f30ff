export interface DemoSize {
  default: number;
  least: number;
  help: string;
}

/** What the demo of each scope can have more or less of. */
export const demoSizes = {
  easm: {
    assets: { default: 2000, least: 0, help: "assets; findings, edges and changes grow with them" },
    files: { default: 60, least: 0, help: "stored files" },
    orgs: { default: 3, least: 1, help: "organizations" },
  },
  vault: {
    users: { default: 6, least: 1, help: "accounts" },
    ciphers: { default: 400, least: 0, help: "vault items" },
    attachments: { default: 40, least: 0, help: "attachments of the items" },
  },
} as const satisfies Record<string, Record<string, DemoSize>>;

/** @throws RangeError for a size that is none, or too small */
export function checkSizes(scope: keyof typeof demoSizes, given: object): void {
  for (const [name, { least }] of Object.entries(demoSizes[scope])) {
    const value = (given as Record<string, number>)[name]!;
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`${name} must be a whole number from ${least}, not ${value}`);
  }
}
