import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { BackupError } from "../../../engine/errors.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { harmlessField } from "../zip/harmless.ts";
import { smallBundle } from "./small-bundle.ts";

const codec = nodeCodec;

/** What whoever verifies the bytes is told: the manifest and what was found, or the code of the refusal. */
async function told(bytes: Uint8Array): Promise<unknown> {
  try {
    const bundle = await openBundle(bytesSource(bytes), { codec });
    const { valid, rows, issues } = await verifyBundle(bundle, { codec });
    if (!valid) return issues.find(({ severity }) => severity === "error")!.code;
    return { manifest: bundle.manifest, rows, issues };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return error.code;
  }
}

/** A change that the verification lets pass must be one of `harmless`, and change nothing of what is told. */
async function everyByte(bundle: Uint8Array, harmless: (offset: number) => string | undefined): Promise<void> {
  const sound = await told(bundle);
  expect(sound).toMatchObject({ rows: { things: 2, files: 1, nothing: 0 }, issues: [] });
  for (let offset = 0; offset < bundle.length; offset++) {
    for (const mask of [0x01, 0x20, 0x80]) {
      const changed = bundle.slice();
      changed[offset]! ^= mask;
      const found = await told(changed);
      if (typeof found === "string") continue;
      expect(harmless(offset), `byte ${offset} changed by ${mask}`).toBeDefined();
      expect(found, `byte ${offset}`).toEqual(sound);
    }
  }
}

async function everyLength(bundle: Uint8Array): Promise<void> {
  for (let length = 0; length < bundle.length; length++)
    expect(typeof (await told(bundle.subarray(0, length))), `${length} bytes`).toBe("string");
}

describe("a damaged bundle is refused, or what was changed says nothing", () => {
  it("zip, every byte", async () => {
    const bundle = await smallBundle(codec, "zip");
    await everyByte(bundle, (offset) => harmlessField(bundle, offset));
  }, 120_000);

  it("zip, every length", async () => everyLength(await smallBundle(codec, "zip")), 60_000);

  it("ndjson, every byte", async () => {
    const bundle = await smallBundle(codec, "ndjson");
    await everyByte(bundle, () => undefined);
  }, 120_000);

  it("ndjson, every length", async () => everyLength(await smallBundle(codec, "ndjson")), 60_000);
});
