import { describe } from "vitest";
import { nodeCodec } from "../../../server/codec-node.ts";
import { sameBytesSuite } from "./same-bytes.ts";

describe("what is written does not depend on the runtime", () => sameBytesSuite(() => nodeCodec));
