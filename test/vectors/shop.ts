import { defineScope, type Scope } from "../../server/scope/define-scope.ts";

/** A made-up application whose scope has changed twice. Bundles of each of its versions lie in `bundles`. */
const common = {
  name: "shop",
  app: { name: "shop", version: "1.0.0" },
  description: "A shop.",
  options: {},
  ignoredOptions: {},
  users: { table: "staff", id: "id", email: "email", admin: "true" },
};

const staff = "create table staff (id int primary key, email text not null);";
const out = { staff: "people are made in the target" };

export const versions: Record<number, { schema: string; scope: Scope }> = {
  1: {
    schema: `${staff}
      create table customers (id bigint primary key, fullname text not null, fax text);
      create table purchases (no bigint primary key, customer bigint not null references customers, state text not null,
        total numeric not null, note jsonb);`,
    scope: defineScope({
      ...common,
      version: 1,
      tables: {
        customers: { columns: ["id", "fullname", "fax"] },
        purchases: { columns: ["no", "customer", "state", "total", "note"] },
      },
      excludedTables: out,
    }),
  },
  2: {
    schema: `${staff}
      create table customers (id bigint primary key, name text not null, kind text not null);
      create table orders (no bigint primary key, customer bigint not null references customers, state text not null,
        total numeric not null, note jsonb);`,
    scope: defineScope({
      ...common,
      version: 2,
      tables: {
        customers: { columns: ["id", "name", "kind"] },
        orders: { columns: ["no", "customer", "state", "total", "note"] },
      },
      excludedTables: out,
    }),
  },
  3: {
    schema: `${staff}
      create type state as enum ('open', 'closed');
      create table customers (id bigint primary key, name text not null, kind text not null);
      create table orders (no bigint primary key, customer_id bigint not null references customers, state state not null,
        gross numeric not null, net numeric, note jsonb);`,
    scope: defineScope({
      ...common,
      version: 3,
      tables: {
        customers: { columns: ["id", "name", "kind"] },
        orders: { columns: ["no", "customer_id", "state", "gross", "net", "note"] },
      },
      excludedTables: out,
      upgrades: [
        {
          to: 2,
          steps: [
            { renameTable: "purchases", to: "orders" },
            { table: "customers", renameColumn: "fullname", to: "name" },
            { table: "customers", setColumn: "kind", value: (row) => (row("fax") === "null" ? '"person"' : '"company"') },
            { table: "customers", dropColumn: "fax" },
          ],
        },
        {
          to: 3,
          steps: [
            { table: "orders", renameColumn: "customer", to: "customer_id" },
            { table: "orders", renameColumn: "total", to: "gross" },
            { table: "orders", setColumn: "net", value: "null" },
            { table: "orders", mapColumn: "state", values: { '"new"': '"open"', '"paid"': '"closed"', '"sent"': '"closed"' } },
          ],
        },
      ],
    }),
  },
};

/** What version 1 holds; the others hold the same in their own shape. */
export const rows: Record<number, string> = {
  1: `insert into customers values (1, 'Ada', null), (9007199254740993, 'Löwe & Söhne', '044 123');
    insert into purchases values (1, 1, 'new', 10.00, '{"n": 12345678901234567890.10}'), (2, 9007199254740993, 'sent', 1e-20, 'null'), (3, 1, 'paid', 0.0, null);`,
  2: `insert into customers values (1, 'Ada', 'person'), (9007199254740993, 'Löwe & Söhne', 'company');
    insert into orders values (1, 1, 'new', 10.00, '{"n": 12345678901234567890.10}'), (2, 9007199254740993, 'sent', 1e-20, 'null'), (3, 1, 'paid', 0.0, null);`,
  3: `insert into customers values (1, 'Ada', 'person'), (9007199254740993, 'Löwe & Söhne', 'company');
    insert into orders values (1, 1, 'open', 10.00, null, '{"n": 12345678901234567890.10}'), (2, 9007199254740993, 'closed', 1e-20, null, 'null'), (3, 1, 'closed', 0.0, null, null);`,
};
