import { bytesSource } from "../../engine/byte-source.ts";
import { fflateCodec } from "../../engine/codec-fflate.ts";
import { createWebCodec } from "../../engine/codec-web.ts";
import { pieces } from "../engine/zip/content.ts";
import { type Outcome, readForward, readWhole } from "../engine/zip/outcome.ts";

export interface Question {
  bytes: Uint8Array;
  codec: keyof typeof codecs;
}

/** One archive read by its directory and as a stream, in 64 KiB pieces; the latter but for the largest, which the page has read so. */
export interface Answer {
  whole: Outcome;
  forward?: Outcome;
}

const largest = 500_000;

/** Not awaited up here: a message that comes while a module awaits is lost. */
const codecs = { web: createWebCodec(), fflate: fflateCodec };

self.onmessage = async ({ data: { bytes, codec: name } }: MessageEvent<Question>) => {
  const codec = await codecs[name];
  const whole = await readWhole(bytesSource(bytes), codec);
  const answer: Answer = { whole };
  if (bytes.length < largest) answer.forward = await readForward(pieces(bytes, 65_536), codec);
  self.postMessage(answer);
};
