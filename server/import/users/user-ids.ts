import { textOf } from "../../../engine/json/row.ts";

/** A user whom rows of the bundle name. */
export interface NamedUser {
  /** As the bundle writes the key, without quotes. */
  id: string;
  /** Rows and columns that name the user. */
  references: number;
  /** JSON of the key in the target, where the user is mapped. */
  target: Uint8Array | null;
}

/** More are counted together: a list for a person is no longer one. */
const mostUsers = 10_000;
const quote = 0x22;

/** Collects the users that rows name, from their bytes: rows are many, users few. */
export class UserIds {
  readonly #byHash = new Map<number, { bytes: Uint8Array; user: NamedUser }[]>();
  readonly #map: ReadonlyMap<string, string>;
  readonly users: NamedUser[] = [];
  /** There are more than are listed. */
  truncated = false;

  /** `map` gives the target's key by the bundle's. */
  constructor(map: ReadonlyMap<string, string> = new Map()) {
    this.#map = map;
  }

  /** There is a mapping. */
  get maps(): boolean {
    return this.#map.size > 0;
  }

  /** The user of the JSON value in `bytes[start, end)`, which is no null. */
  find(bytes: Uint8Array, start: number, end: number): NamedUser {
    let hash = end - start;
    for (let p = start; p < end; p++) hash = (Math.imul(hash, 31) + bytes[p]!) | 0;
    const same = this.#byHash.get(hash);
    const known = same?.find((candidate) => equalBytes(candidate.bytes, bytes, start, end));
    if (known !== undefined) {
      known.user.references++;
      return known.user;
    }
    return this.#add(hash, bytes.slice(start, end));
  }

  #add(hash: number, bytes: Uint8Array): NamedUser {
    const id = bytes[0] === quote ? textOf(bytes, 0, bytes.length) : new TextDecoder().decode(bytes);
    const target = this.#map.get(id);
    const user = { id, references: 1, target: target === undefined ? null : new TextEncoder().encode(JSON.stringify(target)) };
    if (this.users.length >= mostUsers) {
      this.truncated = true;
      return user;
    }
    this.users.push(user);
    this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), { bytes, user }]);
    return user;
  }
}

function equalBytes(one: Uint8Array, other: Uint8Array, start: number, end: number): boolean {
  if (one.length !== end - start) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[start + i]) return false;
  return true;
}
