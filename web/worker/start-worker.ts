interface ScriptUrlPolicy {
  createScriptURL(url: string): unknown;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): ScriptUrlPolicy;
}

/** One script, one policy: a name may be taken once in a page, so that every call asks for the same one. */
let policy: ScriptUrlPolicy | undefined;
const known = new Set<string>();

/**
 * Starts a Worker of this page's own. Under a policy of Trusted Types the address of its script must be vouched for; only code says
 * which there are.
 */
export function startWorker(url: string, name: string): Worker {
  known.add(url);
  return new Worker(trusted(url), { type: "module", name });
}

function trusted(url: string): string | URL {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return url;
  policy ??= trustedTypes.createPolicy("holdall-worker", {
    createScriptURL(asked) {
      if (known.has(asked)) return asked;
      throw new TypeError(`${asked} is no Worker of this page`);
    },
  });
  return policy.createScriptURL(url) as string;
}
