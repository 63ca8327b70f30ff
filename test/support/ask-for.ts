import { inject } from "vitest";

/** Settings of a service of the test run (services.ts), which starts it where nobody has asked before. */
export async function askFor<T>(service: "database" | "system-database" | "s3" | "page" | `template${string}`): Promise<T> {
  const response = await fetch(`${inject("services")}/${service}`);
  const { settings, error } = (await response.json()) as { settings?: T; error?: string };
  if (settings === undefined) throw new Error(`the test run's ${service} did not start: ${error}`);
  return settings;
}
