/** The folder that Holdall keeps its own things in where none is given. A module by itself: naming it must not load a database client. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env["HOLDALL_HOME"] || ".holdall";
}
