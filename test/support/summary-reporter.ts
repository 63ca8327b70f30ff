import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Prints why tests were skipped and, as the very last line of the run, `N passed, N failed, N skipped`. */
export default class SummaryReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  readonly #skipped: string[] = [];

  onInit(): void {
    // At exit, because stopping the run's servers may still print.
    process.once("exit", (code) => this.#print(code));
  }

  onTestRunStart(): void {
    this.#passed = 0;
    this.#failed = 0;
    this.#skipped.length = 0;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const module of modules) this.#count(module);
    this.#failed += unhandled.length;
  }

  #count(module: TestModule): void {
    const failedBefore = this.#failed;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") this.#passed++;
      else if (result.state === "failed") this.#failed++;
      else this.#skipped.push(`${test.fullName}${result.state === "skipped" && result.note ? ` (${result.note})` : ""}`);
    }
    // A file that does not load, or whose set-up fails, has no failed test to show for it.
    if (!module.ok() && this.#failed === failedBefore) this.#failed++;
  }

  #print(code: number): void {
    // A run that ends badly without a failed test (a set-up that threw, a killed worker) must not look well.
    const failed = code !== 0 && this.#failed === 0 ? 1 : this.#failed;
    const reasons = this.#skipped.map((name) => `skipped: ${name}\n`).join("");
    writeSync(1, `${reasons}${this.#passed} passed, ${failed} failed, ${this.#skipped.length} skipped\n`);
  }
}
