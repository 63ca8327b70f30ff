#!/usr/bin/env node
import { runCommandLine } from "./run.ts";

// Explicitly, because a socket that is slow to close must not keep a finished command on the terminal.
process.exit(await runCommandLine(process.argv.slice(2)));
