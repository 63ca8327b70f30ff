// What a thread of the codec's pool starts with: plain JavaScript, so that the compiled worker comes from the cache and the
// type stripper (some 30 MB in every thread) is not loaded.
import module from "node:module";

module.enableCompileCache?.();
await import("./codec-worker.ts");
