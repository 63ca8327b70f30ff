import type { ImportReport, ReplaceConsent } from "../engine/plan.ts";
import { type Api, type PlanRequest, type Preview, ProblemError, type Progress } from "./api.ts";
import { size } from "./format.ts";
import { isSameFile, type Unfinished, UnfinishedUploads } from "./unfinished.ts";
import { startUpload, type Upload, type UploadProgress } from "./upload.ts";
import type { BundleClient } from "./worker/client.ts";

const askedAtOnce = 5000;

export type Step =
  | { name: "idle" }
  | { name: "asking"; asked: number; total: number }
  | { name: "uploading"; progress: UploadProgress; isPaused: boolean; saved: number }
  | { name: "planning"; progress: Progress | null }
  | { name: "planned"; preview: Preview }
  | { name: "applying"; preview: Preview; progress: Progress | null }
  | { name: "done"; report: ImportReport }
  | { name: "failed"; error: unknown; preview?: Preview };

interface Sources {
  api: Api;
  client: BundleClient;
  file: File;
  /** Whether a thin bundle can be made of it. */
  canThin: boolean;
  maxBytes: number;
  onChange(): void;
}

/** From a chosen file to a report: what is missing is uploaded, the plan is made, and on demand applied. */
export class Comparison {
  step: Step = { name: "idle" };
  readonly #from: Sources;
  readonly #unfinished: UnfinishedUploads;
  #uploadId: string | null = null;
  #upload: Upload | null = null;
  #request: PlanRequest | null = null;
  #stop = new AbortController();

  constructor(from: Sources) {
    this.#from = from;
    this.#unfinished = new UnfinishedUploads(from.api.base);
  }

  /** Changes nothing in the installation. */
  async compare(request: PlanRequest): Promise<void> {
    this.#request = request;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    try {
      this.#uploadId ??= await this.#send(signal);
      this.#set({ name: "planning", progress: null });
      const onProgress = (progress: Progress) => this.#set({ name: "planning", progress });
      const preview = await this.#from.api.preview(this.#uploadId, request, onProgress, signal);
      this.#set({ name: "planned", preview });
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  /** Exactly what the plan says, or nothing. */
  async apply(consent: Partial<ReplaceConsent> = {}): Promise<void> {
    if (this.step.name !== "planned") return;
    const { preview } = this.step;
    this.#set({ name: "applying", preview, progress: null });
    try {
      const onProgress = (progress: Progress) => this.#set({ name: "applying", preview, progress });
      const report = await this.#from.api.import(this.#uploadId!, { ...this.#request!, ...consent }, preview.plan, onProgress);
      this.#unfinished.clear();
      this.#set({ name: "done", report });
    } catch (error) {
      this.#set({ name: "failed", error, preview });
    }
  }

  pause(): void {
    this.#upload?.pause();
    if (this.step.name === "uploading") this.#set({ ...this.step, isPaused: true });
  }

  resume(): void {
    this.#upload?.resume();
    if (this.step.name === "uploading") this.#set({ ...this.step, isPaused: false });
  }

  async cancel(): Promise<void> {
    this.#stop.abort();
    if (this.step.name === "uploading") this.#unfinished.clear();
    await this.#upload?.cancel();
    this.#set({ name: "idle" });
  }

  async #send(signal: AbortSignal): Promise<string> {
    const { api, client, file, maxBytes } = this.#from;
    const found = this.#unfinished.read();
    const earlier = found !== null && isSameFile(found, file) ? found : null;
    const omit = earlier?.omit ?? (await this.#omitted(signal));
    const thin = omit.length === 0 ? null : await client.thin(Uint32Array.from(omit));
    const blob = thin?.blob ?? file;
    if (blob.size > maxBytes) throw tooLarge(blob.size, maxBytes);
    const record = { name: file.name, size: file.size, lastModified: file.lastModified, total: blob.size, omit };
    const url = earlier !== null && earlier.total === blob.size ? earlier.url : null;
    const saved = file.size - blob.size;
    this.#upload = await startUpload(blob, {
      endpoint: api.uploads,
      name: file.name,
      url,
      onUrl: (url) => this.#unfinished.write({ ...record, url } satisfies Unfinished),
      onProgress: (progress) => {
        const isPaused = this.step.name === "uploading" && this.step.isPaused;
        this.#set({ name: "uploading", progress, isPaused, saved });
      },
    });
    this.#set({
      name: "uploading",
      progress: { sent: 0, total: blob.size, bytesPerSecond: 0, isRetrying: false },
      isPaused: false,
      saved,
    });
    return this.#upload.done;
  }

  /** Indexes of the files that the installation has. */
  async #omitted(signal: AbortSignal): Promise<number[]> {
    const { api, client, canThin } = this.#from;
    if (!canThin) return [];
    const omit: number[] = [];
    for (let from = 0, total = 1; from < total; from += askedAtOnce) {
      const page = await client.fileHashes(from, askedAtOnce);
      total = page.total;
      if (total === 0) break;
      this.#set({ name: "asking", asked: from, total });
      const known = await api.known(page.files, signal);
      omit.push(...page.files.filter((_, i) => known[i]).map(({ index }) => index));
    }
    return omit;
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    // An upload that is not there any more is begun anew.
    if (error instanceof ProblemError && error.problem.code === "UPLOAD_MISSING") {
      this.#uploadId = null;
      this.#unfinished.clear();
    }
    this.#set({ name: "failed", error });
  }

  #set(step: Step): void {
    this.step = step;
    this.#from.onChange();
  }
}

function tooLarge(bytes: number, most: number): ProblemError {
  const detail = `${size(bytes)} would have to be uploaded and this installation takes ${size(most)}; export without files, or raise HOLDALL_MAX_UPLOAD_BYTES`;
  return new ProblemError({ title: "This is larger than what is accepted", status: 413, detail, code: "LIMIT_ARCHIVE_BYTES" });
}
