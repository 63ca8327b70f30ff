// A process that holds an embedded cluster for embedded.test.ts until its input ends.
import { openEmbedded } from "../../../server/database/embedded.ts";

const [home = "", name = ""] = process.argv.slice(2);
const { release } = await openEmbedded(name, { home });
console.log("holding");
process.stdin.on("end", release).resume();
