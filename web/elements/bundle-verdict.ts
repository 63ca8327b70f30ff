import { css, html, nothing } from "lit";
import type { Check } from "../../engine/checks.ts";
import { checkTexts } from "../check-texts.ts";
import { icon } from "../design/icons.ts";
import { PageElement } from "../design/page-element.ts";
import { titleOf } from "../failure-text.ts";
import { counted, duration, number, percent, size, speed } from "../format.ts";
import { isOnlyNameMismatch, type ReportedIssue, type VerificationReport, type WorkProgress } from "../worker/protocol.ts";
import "./progress-bar.ts";

const marks = { passed: "check", warned: "warn", failed: "cross" } as const;
const spoken = { passed: "passed", warned: "passed with warnings", failed: "failed" };

/** The full check while it runs, then its verdict with every check and every issue. Fires `cancel`, `again` and `accept-name`. */
export class BundleVerdict extends PageElement {
  static override properties = {
    progress: { attribute: false },
    report: { attribute: false },
    cancelled: { type: Boolean },
  };
  static override styles = [
    super.styles,
    css`
      .running {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 1rem;
        align-items: end;
      }

      details,
      .accept {
        margin-top: 0.75rem;
      }

      summary {
        cursor: pointer;
        font-weight: 550;
      }

      ul.checks {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr));
        gap: 0.75rem 1.5rem;
        margin-top: 0.875rem;
        list-style: none;
      }

      .checks li {
        display: flex;
        gap: 0.625rem;
      }

      .checks svg.icon {
        margin-top: 0.2rem;
      }

      .passed > svg.icon {
        color: var(--_good);
      }

      .warned > svg.icon {
        color: var(--_warn);
      }

      .failed > svg.icon {
        color: var(--_bad);
      }

      .checks .small {
        color: var(--_muted);
      }

      ol.issues {
        margin-top: 0.75rem;
        list-style: none;
        display: grid;
        gap: 0.75rem;
      }

      .issues li {
        padding: 0.75rem 1rem;
        border: 1px solid var(--_line);
        border-left: 3px solid var(--_bad);
        border-radius: var(--_radius-small);
        background: var(--_surface);
      }

      .issues li.warning {
        border-left-color: var(--_warn);
      }

      .place {
        margin-top: 0.25rem;
        color: var(--_muted);
        font: 0.8125rem / 1.5 var(--_mono);
      }
    `,
  ];
  declare progress: WorkProgress | null;
  declare report: VerificationReport | null;
  declare cancelled: boolean;

  override render() {
    if (this.report !== null) return this.#verdict(this.report);
    if (this.cancelled) {
      return html`<div class="note">
        ${icon("info")}
        <div class="row spread">
          <p>The check was cancelled. What is shown below is what the bundle says of itself.</p>
          <button @click=${() => this.dispatchEvent(new Event("again"))}>Check it whole</button>
        </div>
      </div>`;
    }
    return this.#running();
  }

  #running() {
    const { progress } = this;
    const value = progress === null || progress.bytesTotal === 0 ? null : progress.bytesDone / progress.bytesTotal;
    return html`<div class="running">
      <holdall-progress
        label="Check of the bundle"
        .value=${value}
        .text=${progress === null ? "Checking every byte …" : `Checking every byte, ${percent(progress.bytesDone, progress.bytesTotal)}`}
        .detail=${progress === null ? "" : pace(progress)}
      ></holdall-progress>
      <button @click=${() => this.dispatchEvent(new Event("cancel"))}>Cancel</button>
    </div>`;
  }

  #verdict(report: VerificationReport) {
    const errors = report.checks.reduce((sum, check) => sum + check.errors, 0);
    const warnings = report.checks.reduce((sum, check) => sum + check.warnings, 0);
    const [tone, mark, title] = !report.valid
      ? (["bad", "stop", "Do not import this bundle"] as const)
      : warnings > 0
        ? (["warn", "warn", `Sound, with ${counted(warnings, "warning")}`] as const)
        : (["good", "sound", "The bundle is sound"] as const);
    return html`<div class=${`note ${tone}`} role="status">
      ${icon(mark)}
      <div>
        <h3>${title}</h3>
        <p>
          ${report.valid ? "" : `${counted(errors, "error")} found. An installation would refuse it and change nothing. `}
          ${counted(report.entries, "entry", "entries")} and ${size(report.bytes)} were read in ${duration(report.seconds)}.
        </p>
        ${report.issues.length === 0 ? nothing : this.#issues(report)}
        ${isOnlyNameMismatch(report) ? this.#acceptName() : nothing}
        <details>
          <summary>${passed(report.checks)} of ${report.checks.length} checks passed</summary>
          <ul class="checks">
            ${report.checks.map(drawnCheck)}
          </ul>
        </details>
      </div>
    </div>`;
  }

  #acceptName() {
    return html`<div class="row accept">
      <button @click=${() => this.dispatchEvent(new Event("accept-name"))}>Take it in spite of its name</button>
      <span class="muted small">Every other check passed. The report of an import says that the name was accepted.</span>
    </div>`;
  }

  #issues({ issues, issuesTotal }: VerificationReport) {
    return html`<details open>
      <summary>${counted(issuesTotal, "finding")}</summary>
      <ol class="issues">
        ${issues.slice(0, 200).map(drawnIssue)}
      </ol>
      ${issuesTotal > 200 ? html`<p class="muted small">… and ${number(issuesTotal - 200)} more.</p>` : nothing}
    </details>`;
  }
}

function passed(checks: Check[]): number {
  return checks.filter(({ status }) => status !== "failed").length;
}

function drawnCheck({ name, status, examined }: Check) {
  const [title, meaning] = checkTexts[name];
  return html`<li class=${status}>
    ${icon(marks[status])}
    <div>
      <strong>${title}</strong><span class="visually-hidden"> ${spoken[status]}. </span>
      <p class="small">${meaning}${examined > 1 ? ` (${number(examined)})` : ""}</p>
    </div>
  </li>`;
}

function drawnIssue({ severity, code, message, advice, details }: ReportedIssue) {
  const place = [
    details.entry,
    details.row !== undefined && `row ${number(details.row)}`,
    details.line !== undefined && `line ${number(details.line)}`,
    details.offset !== undefined && `byte ${number(details.offset)}`,
  ].filter(Boolean);
  return html`<li class=${severity}>
    <strong>${titleOf(code) ?? code}</strong>
    <p>${message}</p>
    ${place.length > 0 ? html`<p class="place">${place.join(" · ")}</p>` : nothing}
    <p class="small"><strong>What to do:</strong> ${advice}. <code class="muted">${code}</code></p>
  </li>`;
}

function pace({ bytesPerSecond, secondsLeft }: WorkProgress): string {
  const left = secondsLeft === null ? "" : `, ${duration(secondsLeft)} left`;
  return bytesPerSecond > 0 ? `${speed(bytesPerSecond)}${left}` : "";
}

customElements.define("holdall-verdict", BundleVerdict);
