import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { ImportChoices, Plan, TablePlan } from "../../../engine/plan.ts";
import { previewImport } from "../../../server/import/import-bundle.ts";
import { PlanReader } from "../../../server/import/kept/read-plan.ts";
import { useDatabase } from "../../support/database.ts";
import { codeOf, failureOf } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  requestFor,
  stateOf,
  withBundle,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

let home: string;
let bundle: string;
let withUsers: string;
let source: Instance;
/** Users of the source by their e-mail address. */
let people: Map<string, string>;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 120, files: 12, orgs: 2 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
  withUsers = await exportFile(source, join(home, "with-users.zip"), { options: { include_users: true } });
  people = new Map((await source.sql`select email, id from users order by id`).map(({ email, id }) => [email, id]));
});

/** The same people under other ids, but for one. */
async function targetWith(name: string, leaveOut: string[] = []): Promise<Instance> {
  const target = await emptyInstance(db, folderStore(home, name));
  for (const email of people.keys()) {
    if (!leaveOut.includes(email))
      await target.sql`insert into users (email, display_name, password_hash) values (${email.toUpperCase()}, 'X', 'x')`;
  }
  return target;
}

function previewOf(target: Instance, path: string, choices: Partial<ImportChoices> = {}, keepIn?: string): Promise<Plan> {
  return withBundle(path, (opened) =>
    previewImport({ ...requestFor(target, opened, "merge"), choices, ...(keepIn !== undefined && { keepIn }) }),
  );
}

const tableOf = (plan: Plan, name: string): TablePlan => plan.tables.find(({ table }) => table === name)!;
const proposedMap = ({ users }: Plan) =>
  Object.fromEntries(users.flatMap(({ id, proposed }) => (proposed === null ? [] : [[id, proposed.email]])));

describe("the preview", () => {
  test("lists the users of a bundle that carries them, with who has the same e-mail address", async () => {
    const [absent, ...present] = [...people.keys()];
    const target = await targetWith("proposals", [absent!]);
    const { users } = await previewOf(target, withUsers);
    expect(new Set(users.map(({ email }) => email))).toEqual(new Set(people.keys()));
    for (const { id, email, mapped, proposed } of users) {
      expect(people.get(email!)).toBe(id);
      expect(mapped).toBeNull();
      if (email === absent) expect(proposed).toBeNull();
      else expect(proposed).toEqual({ id: expect.any(String), email: email!.toUpperCase() });
    }
    expect(present.length).toBeGreaterThan(3);
  });

  test("lists the ids that rows name where the bundle does not carry its users, and how often", async () => {
    const target = await targetWith("ids");
    const { users } = await previewOf(target, bundle);
    const columns = Object.entries({
      organizations: ["created_by"],
      organization_members: ["user_id", "invited_by"],
      scopes: ["created_by"],
      scans: ["created_by"],
      assets: ["created_by"],
      vulnerabilities: ["assigned_to", "created_by"],
      reports: ["created_by"],
      files: ["created_by"],
      exposure_changes: ["actor_id"],
    }).flatMap(([table, names]) => names.map((name) => `select ${name} as id from ${table}`));
    const named = await source.sql.unsafe(
      `select id, count(*)::int as references from (${columns.join(" union all ")}) u where id is not null group by 1`,
    );
    const byId = (list: readonly { id: string; references: number }[]) =>
      Object.fromEntries(list.map(({ id, references }) => [id, references]));
    expect(byId(users)).toEqual(byId(named as unknown as { id: string; references: number }[]));
    expect(users.every(({ email, proposed }) => email === null && proposed === null)).toBe(true);
    const counts = users.map(({ references }) => references);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
  });
});

/** Who made what and who is a member, by e-mail address. */
async function authorship({ sql }: Instance): Promise<unknown> {
  const made = async (table: string, column: string) =>
    (
      await sql.unsafe(
        `select t.id::text as id, lower(u.email) as who from ${table} t join users u on u.id = t.${column} order by 1`,
      )
    ).map((row) => ({ ...row }));
  const members = await sql`select organization_id, lower(u.email) as who, role, lower(i.email) as by, joined_at
    from organization_members join users u on u.id = user_id left join users i on i.id = invited_by order by 1, 2`;
  const pairs = [
    ["organizations", "created_by"],
    ["scans", "created_by"],
    ["assets", "created_by"],
    ["vulnerabilities", "assigned_to"],
    ["files", "created_by"],
    ["exposure_changes", "actor_id"],
  ] as const;
  return {
    members: members.map((row) => ({ ...row })),
    ...Object.fromEntries(await Promise.all(pairs.map(async ([table, column]) => [table, await made(table, column)]))),
  };
}

describe("a mapping", () => {
  test("of everybody restores memberships and who made what, and the plan says so", async () => {
    const target = await targetWith("all");
    const choices = { user_map: proposedMap(await previewOf(target, withUsers)) };
    const plan = await previewOf(target, withUsers, choices);
    expect(tableOf(plan, "organization_members").outcomes).toEqual({ insert: tableOf(plan, "organization_members").rows });
    for (const table of plan.tables) expect(table.reassigned, table.table).toBe(0);
    expect(plan.users.every(({ mapped, proposed }) => mapped?.id === proposed?.id)).toBe(true);
    const report = await importFile(target, withUsers, "merge", { planDigest: plan.digest, choices });
    expect(report.plan).toEqual(plan);
    expect(await authorship(target)).toEqual(await authorship(source));
    const again = await previewOf(target, withUsers, choices);
    for (const { table, rows, outcomes } of again.tables)
      if (table !== "users") expect(outcomes, table).toEqual({ identical: rows });
  });

  test("works without users in the bundle, by id", async () => {
    const target = await targetWith("by-id");
    const user_map = Object.fromEntries([...people].map(([email, id]) => [id, email]));
    await importFile(target, bundle, "skip_existing", { choices: { user_map } });
    expect(await authorship(target)).toEqual(await authorship(source));
  });

  test("of some leaves the others as without one: no member, the importer, or nobody", async () => {
    const [email, id] = [...people].find(([, id]) => id !== source.importer.id && [...people.values()].indexOf(id) === 2)!;
    const target = await targetWith("some");
    const keepIn = join(home, "some-rows");
    const choices = { user_map: { [email]: email } };
    const plan = await previewOf(target, withUsers, choices, keepIn);
    expect(plan.choices.user_map).toEqual({ [id]: expect.any(String) });
    await importFile(target, withUsers, "merge", { planDigest: plan.digest, choices });
    const count = async ({ sql }: Instance, text: string) =>
      (await sql.unsafe(`select count(*)::int as n from ${text}`))[0]!["n"] as number;
    const members = tableOf(plan, "organization_members");
    expect(members.outcomes.insert).toBe(await count(source, `organization_members where user_id = '${id}'`));
    expect(members.outcomes.not_imported).toBe(members.rows - members.outcomes.insert!);
    expect(members.reason).toMatch(/not mapped/);
    expect(await count(target, "organization_members")).toBe(members.outcomes.insert);
    const scans = tableOf(plan, "scans");
    const theirs = await count(source, `scans where created_by = '${id}'`);
    expect(scans.reassigned).toBe(scans.rows - theirs);
    expect(await count(target, `scans where created_by = '${target.importer.id}'`)).toBe(scans.reassigned);
    expect(await count(target, "assets where created_by is not null")).toBe(
      await count(source, `assets where created_by = '${id}'`),
    );
    const reader = await PlanReader.open(keepIn);
    const { total, rows } = await reader.page({ table: "scans", outcome: "reassigned", from: 0, count: 1000 });
    expect(total).toBe(scans.reassigned);
    for (const { key, reassigned } of rows) {
      expect(reassigned).toEqual(["created_by"]);
      expect(await count(source, `scans where id = '${key[0]}' and created_by <> '${id}'`)).toBe(1);
    }
    const out = await reader.page({ table: "organization_members", outcome: "not_imported", from: 0, count: 3 });
    for (const { key } of out.rows)
      expect(await count(source, `organization_members where organization_id = '${key[0]}' and user_id = '${key[1]}'`)).toBe(1);
  });

  test("of two people to one makes one membership, and says of the other which row it is", async () => {
    const target = await targetWith("two-in-one");
    const [row] =
      await source.sql`select organization_id, to_json(array_agg(user_id::text order by user_id)) as users from organization_members group by 1 order by 1 limit 1`;
    const [one, other] = row!["users"] as string[];
    const choices = { user_map: { [one!]: target.importer.email, [other!]: target.importer.email } };
    const plan = await previewOf(target, bundle, choices);
    const members = tableOf(plan, "organization_members");
    expect(members.outcomes.conflict_unique).toBeGreaterThan(0);
    expect(members.samples.find(({ outcome }) => outcome === "conflict_unique")).toMatchObject({
      constraint: "primary key",
      holder: expect.stringMatching(/^row \d+$/),
    });
    await importFile(target, bundle, "merge", { planDigest: plan.digest, choices });
    expect(await target.sql`select 1 from organization_members`).toHaveLength(members.outcomes.insert!);
  });

  test("is a part of the plan's digest", async () => {
    const target = await targetWith("digest");
    const plan = await previewOf(target, bundle);
    const choices = { user_map: { [source.importer.id]: target.importer.id } };
    expect((await previewOf(target, bundle, choices)).digest).not.toBe(plan.digest);
    const before = await stateOf(target);
    expect(await codeOf(importFile(target, bundle, "merge", { planDigest: plan.digest, choices }))).toBe("IMPORT_PLAN_CHANGED");
    expect(await stateOf(target)).toEqual(before);
  });

  test("that names somebody who is not there is refused with everybody who is missing", async () => {
    const target = await targetWith("missing");
    const user_map = { "ghost@source.example": target.importer.email, [source.importer.id]: "nobody@target.example" };
    expect(await failureOf(previewOf(target, withUsers, { user_map }))).toMatchObject({
      code: "REQUEST_INVALID",
      message: expect.stringMatching(/no user ghost@source\.example.*no user nobody@target\.example/),
    });
    expect(await failureOf(previewOf(target, bundle, { user_map: { "a@b": target.importer.email } }))).toMatchObject({
      message: expect.stringContaining("use the ids that a preview lists"),
    });
    const strange = await previewOf(target, bundle, { user_map: { "no-such-id": target.importer.email } });
    expect(strange.warnings.join()).toContain("no-such-id is mapped");
  });
});
