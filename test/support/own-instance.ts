import type { BlobStore } from "../../server/blobs/blob-store.ts";
import type { useDatabase } from "./database.ts";
import { emptyInstance, type Instance } from "./instances.ts";

/**
 * An installation that began for itself: its organizations have the slugs of `source` under other ids, some of their assets are
 * the same, and it has numbered a history of its own.
 */
export async function ownInstance(db: ReturnType<typeof useDatabase>, store: BlobStore, source: Instance): Promise<Instance> {
  const target = await emptyInstance(db, store);
  const organizations = await source.sql`select slug, name from organizations order by slug`;
  for (const { slug, name } of organizations) {
    await target.sql`insert into organizations (slug, name, created_by) values (${slug}, ${`ours: ${name}`}, ${target.importer.id})`;
  }
  const assets =
    await source.sql`select o.slug, a.type, a.value, a.normalized_value from assets a join organizations o on o.id = organization_id
    where a.id in (select distinct parent_asset_id from assets where parent_asset_id is not null order by parent_asset_id limit 5)`;
  for (const { slug, type, value, normalized_value } of assets) {
    await target.sql`insert into assets (organization_id, type, value, normalized_value, notes)
      select id, ${type}, ${value}, ${normalized_value}, 'ours' from organizations where slug = ${slug}`;
  }
  await target.sql`insert into exposure_changes (organization_id, kind, summary)
    select o.id, 'changed', 'ours ' || n from organizations o, generate_series(1, 3) n`;
  return target;
}
