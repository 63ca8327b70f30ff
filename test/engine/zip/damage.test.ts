import { describe } from "vitest";
import { nodeCodec } from "../../../server/codec-node.ts";
import { damageSuite } from "./damage-suite.ts";

describe("node codec", () => damageSuite(() => nodeCodec));
