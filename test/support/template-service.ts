import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore } from "../../server/blobs/file-store.ts";
import { connect } from "../../server/database/connect.ts";
import { fillDemo, fillEmpty, makeSchema } from "../../server/scopes/easm/demo.ts";
import type { Service } from "./services.ts";

/** An installation of the easm scope that others are copies of. */
export interface Template {
  /** Name of its database, to which nobody is connected. */
  database: string;
  /** Its stored objects. */
  blobs: string;
}

/** Made once for the run, for each size of demo, or empty where no size is asked for. */
export async function makeTemplate(size: URLSearchParams, adminUrl: string): Promise<Service> {
  const database = `template_${randomBytes(6).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), "holdall-template-"));
  await chmod(folder, 0o711);
  const template: Template = { database, blobs: join(folder, "blobs") };
  await mkdir(template.blobs);
  const admin = await connect(adminUrl, { max: 1 });
  await admin.sql`create database ${admin.sql(database)}`;
  await fill(Object.assign(new URL(adminUrl), { pathname: `/${database}` }).href, size, template.blobs);
  return {
    settings: template,
    async stop() {
      await admin.sql`drop database if exists ${admin.sql(database)} with (force)`;
      await admin.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function fill(url: string, size: URLSearchParams, blobs: string): Promise<void> {
  const connection = await connect(url);
  try {
    await makeSchema(connection.sql);
    if (size.size === 0) await fillEmpty(connection.sql);
    else {
      const [assets, files] = ["assets", "files"].map((name) => Number(size.get(name))) as [number, number];
      await fillDemo(connection.sql, fileStore(blobs), { assets, files, orgs: 2, seed: 7 });
    }
  } finally {
    await connection.close();
  }
}
