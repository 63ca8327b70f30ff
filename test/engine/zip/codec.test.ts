import { describe } from "vitest";
import { fflateCodec } from "../../../engine/codec-fflate.ts";
import { createWebCodec } from "../../../engine/codec-web.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { codecSuite } from "./codec-suite.ts";

describe("node codec", () => codecSuite(() => nodeCodec));
describe("fflate codec", () => codecSuite(() => fflateCodec));
describe("web codec", () => codecSuite(createWebCodec));
