import { describe } from "vitest";
import { fflateCodec } from "../../../engine/codec-fflate.ts";
import { createWebCodec } from "../../../engine/codec-web.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { ownVectorSuite } from "./own-vectors.ts";

describe("node codec", () => ownVectorSuite(() => nodeCodec));
describe("fflate codec", () => ownVectorSuite(() => fflateCodec));
describe("web codec", () => ownVectorSuite(createWebCodec));
