import { runStart } from "../http/demo-pair.ts";

process.exitCode = await runStart(process.argv.slice(2));
