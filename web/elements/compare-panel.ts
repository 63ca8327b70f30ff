import { css, html, LitElement, nothing } from "lit";
import type { ConflictMode, ReplaceConsent } from "../../engine/plan.ts";
import { type Api, type PlanRequest, type Preview, ProblemError, type Progress, type ScopeDescription } from "../api.ts";
import { Comparison } from "../comparison.ts";
import { base } from "../design/base.ts";
import { controls } from "../design/controls.ts";
import { icon } from "../design/icons.ts";
import { counted, duration, number, percent, size, speed, words } from "../format.ts";
import { groups, modeTexts } from "../mode-texts.ts";
import type { UploadProgress } from "../upload.ts";
import type { BundleClient } from "../worker/client.ts";
import type { Inspection } from "../worker/protocol.ts";
import "./import-choices.ts";
import "./import-report.ts";
import "./people-map.ts";
import { totalOf, warningsNote } from "./plan-view.ts";
import "./plan-view.ts";
import "./problem-note.ts";
import "./progress-bar.ts";
import { neededConsents } from "./replace-consent.ts";
import "./replace-consent.ts";

const phases: Record<Progress["phase"], string> = {
  verify: "The server checks the bundle again",
  stage: "Rows wait beside the tables",
  plan: "The plan is made",
  blobs: "Files are stored",
  apply: "The plan is applied, all or nothing",
};

/** From a checked bundle to a plan, and from the plan to the report. */
export class ComparePanel extends LitElement {
  static override properties = {
    api: { attribute: false },
    client: { attribute: false },
    scope: { attribute: false },
    file: { attribute: false },
    inspection: { attribute: false },
    isSound: { attribute: false },
    acceptNameMismatch: { attribute: false },
    route: { attribute: false },
    _mode: { state: true },
    _choices: { state: true },
    _consent: { state: true },
  };
  static override styles = [
    base,
    controls,
    css`
      .choices {
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
      }

      .choice p {
        margin-top: 0.125rem;
      }

      .confirm {
        padding: 1rem 1.25rem;
        border: 1px solid var(--_accent);
        border-radius: var(--_radius-small);
        background: var(--_accent-soft);
      }

      .confirm > div {
        flex: 1 1 20rem;
      }

      h2 {
        margin-bottom: 0.25rem;
      }

      holdall-problem ul {
        margin-top: 0.5rem;
        padding-left: 1.125rem;
        font-size: 0.8125rem;
      }
    `,
  ];
  declare api: Api;
  declare client: BundleClient;
  declare scope: ScopeDescription;
  declare file: File | null;
  declare inspection: Inspection;
  declare isSound: boolean;
  declare acceptNameMismatch: boolean;
  declare route: readonly string[] | undefined;
  declare _mode: ConflictMode;
  declare _choices: Omit<PlanRequest, "mode">;
  declare _consent: Partial<ReplaceConsent>;
  #comparison: Comparison | null = null;

  constructor() {
    super();
    this._mode = "skip_existing";
    this._choices = {};
    this._consent = {};
  }

  override willUpdate(changed: Map<string, unknown>) {
    // The scope says what fits it best.
    if (changed.has("scope")) this._mode = this.scope.modes[0]!;
    if (!changed.has("file") || this.file === null) return;
    this.#comparison = new Comparison({
      api: this.api,
      client: this.client,
      file: this.file,
      canThin: this.inspection.canThin,
      maxBytes: this.scope.max_upload_bytes,
      onChange: () => this.requestUpdate(),
    });
  }

  override render() {
    const step = this.#comparison?.step ?? { name: "idle" as const };
    if (step.name === "done") {
      return html`<holdall-report .report=${step.report} @again=${() => this.dispatchEvent(new Event("again"))}></holdall-report>`;
    }
    return html`<div class="stack">
      <div>
        <h2>Compare with this installation</h2>
        <p class="muted">
          Uploads what is missing here, and says row by row what an import would do. Nothing is changed by it.
        </p>
      </div>
      ${this.file === null ? this.#remote() : html`${this.#modes(step.name)} ${this.#step(step)}`}
    </div>`;
  }

  #remote() {
    return html`<div class="note">
      ${icon("info")}
      <p>A bundle that was opened by its address cannot be uploaded from here: save it, and choose the file.</p>
    </div>`;
  }

  #modes(step: string) {
    const isBusy = step === "uploading" || step === "asking" || step === "planning" || step === "applying";
    return html`<fieldset ?disabled=${isBusy}>
      <legend>Where a row is here already</legend>
      <div class="choices">
        ${this.scope.modes.map((mode) => {
          const [label, description] = modeTexts[mode];
          return html`<label class="choice">
            <input type="radio" name="mode" value=${mode} .checked=${mode === this._mode} @change=${() => this.#choose(mode)} />
            <span><span class="label">${label}</span><p class="muted small">${description}</p></span>
          </label>`;
        })}
      </div>
      ${this._mode === "replace" ? nothing : html`<holdall-choices .tables=${this.inspection.tables} .choices=${this._choices} @chosen=${this.#chosen}></holdall-choices>`}
    </fieldset>`;
  }

  #step(step: Comparison["step"]) {
    switch (step.name) {
      case "idle":
        return this.#begin("Compare");
      case "asking":
        return html`<holdall-progress
          label="Comparison"
          .value=${step.asked / step.total}
          text="Asking which files are here already"
          .detail=${`${number(step.asked)} of ${number(step.total)}`}
        ></holdall-progress>`;
      case "uploading":
        return this.#uploading(step.progress, step.isPaused, step.saved);
      case "planning":
        return html`${this.#working(step.progress, "Comparison")}
          <div class="row"><button @click=${() => this.#comparison!.cancel()}>Cancel</button></div>`;
      case "planned":
        return this.#planned(step.preview);
      case "applying":
        return html`<div class="note">${icon("info")}<p>This page may be closed: once the plan is being applied, the import goes on, and its report is in the journal.</p></div>
          ${this.#working(step.progress, "Import")}`;
      case "failed":
        return html`<holdall-problem .error=${step.error}>${movedNote(step.error)}</holdall-problem>${this.#begin("Compare again")}`;
      default:
        return nothing;
    }
  }

  #begin(label: string) {
    return html`<div class="row">
      <button class="primary" ?disabled=${!this.isSound} @click=${() => this.#compare()}>
        ${icon("up")}${label}
      </button>
      ${this.isSound ? nothing : html`<span class="muted small">Only a bundle that was checked and is sound can be compared.</span>`}
    </div>`;
  }

  #uploading({ sent, total, bytesPerSecond, isRetrying }: UploadProgress, isPaused: boolean, saved: number) {
    const left = bytesPerSecond > 0 ? `, ${duration((total - sent) / bytesPerSecond)} left` : "";
    const text = isPaused ? "Paused" : isRetrying ? "The connection is lost; trying again" : "Uploading";
    return html`<holdall-progress
        label="Upload"
        .value=${total === 0 ? 1 : sent / total}
        .text=${`${text}, ${percent(sent, total)}`}
        .detail=${`${size(sent)} of ${size(total)}${bytesPerSecond > 0 && !isPaused ? `, ${speed(bytesPerSecond)}${left}` : ""}`}
      ></holdall-progress>
      ${saved > 0 ? html`<p class="muted small">${size(saved)} need not travel: this installation has those files.</p>` : nothing}
      <div class="row">
        ${
          isPaused
            ? html`<button @click=${() => this.#comparison!.resume()}>${icon("play")}Go on</button>`
            : html`<button @click=${() => this.#comparison!.pause()}>${icon("pause")}Pause</button>`
        }
        <button class="plain" @click=${() => this.#comparison!.cancel()}>Cancel</button>
      </div>`;
  }

  #working(progress: Progress | null, label: string) {
    const text = progress === null ? "The server begins" : phases[progress.phase];
    const value = progress?.bytesTotal ? (progress.bytes ?? 0) / progress.bytesTotal : null;
    const detail = [
      progress?.table !== undefined && words(progress.table),
      progress?.rows !== undefined && counted(progress.rows, "row"),
      progress?.files !== undefined && progress.files > 0 && counted(progress.files, "file"),
    ].filter(Boolean);
    return html`<holdall-progress .label=${label} .value=${value} .text=${text} .detail=${detail.join(", ")}></holdall-progress>`;
  }

  #planned({ plan, importer }: Preview) {
    const [added, changed] = groups.map(({ outcomes }) => totalOf(plan, outcomes)) as [number, number];
    const deleted = totalOf(plan, ["delete"]);
    const does = [
      added > 0 && `add ${counted(added, "row")}`,
      changed > 0 && `update ${counted(changed, "row")}`,
      deleted > 0 && `delete ${counted(deleted, "row")}`,
    ].filter(Boolean);
    const missing = plan.replace === undefined ? [] : neededConsents(plan.replace).filter((name) => this._consent[name] !== true);
    return html`<div class="stack" tabindex="-1" id="plan">
      <h2>What an import would do</h2>
      <holdall-plan .plan=${plan} .api=${this.api} .client=${this.client} .open=${this.#openTable}></holdall-plan>
      <holdall-people .users=${plan.users} .map=${this._choices.user_map ?? {}} @chosen=${this.#chosen}></holdall-people>
      ${warningsNote([...new Set(plan.warnings)])}
      ${
        plan.replace === undefined
          ? nothing
          : html`<holdall-consent
              .plan=${plan.replace}
              .deleted=${deleted}
              .consent=${this._consent}
              @chosen=${({ detail }: CustomEvent<Partial<ReplaceConsent>>) => {
                this._consent = detail;
              }}
            ></holdall-consent>`
      }
      <div class="confirm row">
        <div>
          <p><strong>The import would ${joined(does) || "change nothing"}</strong>, in the name of ${importer}.</p>
          <p class="muted small">It does exactly this plan, in one transaction, or nothing: <code>${plan.digest.slice(0, 12)}</code></p>
        </div>
        <button class="primary" ?disabled=${missing.length > 0} @click=${() => this.#comparison!.apply(this._consent)}>
          Import exactly this
        </button>
      </div>
    </div>`;
  }

  /** Of the plan, by the address. */
  get #openTable(): string | undefined {
    const [what, table] = this.route ?? [];
    return what === "plan" ? table : undefined;
  }

  #choose(mode: ConflictMode) {
    this._mode = mode;
    // A plan is of one mode; what was uploaded stays.
    if (this.#comparison?.step.name === "planned") this.#compare();
  }

  #compare() {
    this._consent = {};
    const choices = this._mode === "replace" ? {} : this._choices;
    const naming = this.acceptNameMismatch ? { accept_name_mismatch: true } : {};
    void this.#comparison!.compare({ mode: this._mode, ...naming, ...choices });
  }

  readonly #chosen = (event: CustomEvent<Omit<PlanRequest, "mode">>) => {
    this._choices = { ...this._choices, ...event.detail };
    if (this.#comparison?.step.name === "planned") this.#compare();
  };
}

function joined(parts: (string | false)[]): string {
  return parts.length < 3 ? parts.join(" and ") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** Where the target moved between the plan and its import: which rows, and how. */
function movedNote(error: unknown) {
  const moved = error instanceof ProblemError ? (error.problem.moved ?? []) : [];
  if (moved.length === 0) return nothing;
  return html`<ul>
    ${moved.map(({ table, samples }) =>
      samples.map(
        ({ row, key, planned, now }) =>
          html`<li>${words(table)}, row ${number(row)} <code>${key.join(", ")}</code>: planned ${words(planned)}, now ${words(now)}</li>`,
      ),
    )}
  </ul>`;
}

customElements.define("holdall-compare", ComparePanel);
