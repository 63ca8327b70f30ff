const key = "backup.settings.v1";

/**
 * The portable part of the backup settings: objects one level deep, and no brace within a string, for all of them are base64
 * and ids. Settings of any other form are not let out.
 */
const portable = `'"portable"\\s*:\\s*(\\{[^{}]*(?:\\{[^{}]*\\}[^{}]*)*\\})'`;

/** SQL condition: the row of `config` has no backup settings, or such that can be brought elsewhere. */
export const leavesConfig = `btrim(key) <> '' AND key <> 'backup.runner.lock.v1' AND (key <> '${key}' OR value ~ ${portable})`;

/** SQL: the value, but of the backup settings only the portable part; the runtime part is encrypted for one installation. */
export const portableValue =
  `CASE WHEN key = '${key}' AND value ~ ${portable} THEN ` +
  `'{"version":2,"portableOnly":true,"runtime":{"iv":"","ciphertext":""},"portable":' || substring(value from ${portable}) || '}' ` +
  "ELSE value END";
