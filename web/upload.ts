import { ProblemError } from "./api.ts";

/** Large enough that the pauses between two do not count, small enough that a request that is refused costs little. */
const chunkSize = 64 * 1024 * 1024;
/** A laptop that was closed comes back late: tus asks the server where to go on. */
const retryDelays = [0, 500, 1000, 2000, 4000, ...Array.from({ length: 60 }, () => 8000)];

export interface UploadProgress {
  sent: number;
  total: number;
  bytesPerSecond: number;
  /** The connection is lost and is tried again. */
  isRetrying: boolean;
}

export interface UploadOptions {
  endpoint: string;
  name: string;
  /** Where an earlier upload of the same bytes stopped. */
  url: string | null;
  onUrl(url: string): void;
  onProgress(progress: UploadProgress): void;
}

/** One upload that can be paused; its bytes are slices of the Blob. */
export interface Upload {
  /** The upload's id. */
  done: Promise<string>;
  pause(): void;
  resume(): void;
  /** Ends it, and removes what has arrived. */
  cancel(): Promise<void>;
}

/** Sends a Blob by tus 1.0; the client is loaded with the first upload. */
export async function startUpload(blob: Blob, options: UploadOptions): Promise<Upload> {
  const tus = await import("tus-js-client");
  const speed = new Speed();
  const { promise: done, resolve, reject } = Promise.withResolvers<string>();
  done.catch(() => {});
  const report = (sent: number, isRetrying: boolean) =>
    options.onProgress({ sent, total: blob.size, bytesPerSecond: speed.of(sent), isRetrying });
  let last = 0;
  const upload = new tus.Upload(blob, {
    endpoint: options.endpoint,
    uploadUrl: options.url,
    chunkSize,
    retryDelays,
    storeFingerprintForResuming: false,
    removeFingerprintOnSuccess: false,
    metadata: { filename: options.name },
    onUploadUrlAvailable: () => options.onUrl(upload.url!),
    onProgress: (sent) => {
      last = sent;
      report(sent, false);
    },
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0;
      // What a server refuses, it refuses again; but for a lock and for an offset that has moved on.
      const isHopeful = status === 0 || status >= 500 || status === 409 || status === 423;
      if (isHopeful) report(last, true);
      return isHopeful;
    },
    onError: (error) => reject(problemFrom(error)),
    onSuccess: () => resolve(upload.url!.split("/").pop()!),
  });
  upload.start();
  return {
    done,
    pause: () => void upload.abort(),
    resume: () => {
      speed.restart();
      upload.start();
    },
    cancel: async () => {
      await upload.abort(true).catch(() => {});
      reject(new DOMException("the upload was cancelled", "AbortError"));
    },
  };
}

interface ResponseError {
  message: string;
  originalResponse?: { getStatus(): number; getBody(): string } | null;
}

function problemFrom(error: Error | ResponseError): ProblemError {
  const response = "originalResponse" in error ? error.originalResponse : null;
  try {
    return new ProblemError(JSON.parse(response?.getBody() ?? ""));
  } catch {
    const status = response?.getStatus() ?? 0;
    const detail = "the upload broke off and could not be taken up again; see whether the server runs, and go on from here";
    return new ProblemError({ title: "The upload was interrupted", status, detail });
  }
}

/** Bytes a second since the last start. */
class Speed {
  #since = performance.now();
  #from: number | undefined;

  restart(): void {
    this.#since = performance.now();
    this.#from = undefined;
  }

  of(sent: number): number {
    this.#from ??= sent;
    const seconds = (performance.now() - this.#since) / 1000;
    return seconds < 0.5 ? 0 : (sent - this.#from) / seconds;
  }
}
