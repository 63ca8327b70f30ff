/** A key beside `key` that the content's hash makes its own; the extension stays. */
export function alternateKey(key: string, hash: string): string {
  const slash = key.lastIndexOf("/");
  const dot = key.lastIndexOf(".");
  const stem = dot > slash + 1 ? dot : key.length;
  return `${key.slice(0, stem)}.${hash}${key.slice(stem)}`;
}
