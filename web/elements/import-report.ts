import { css, html, nothing } from "lit";
import type { ImportReport } from "../../engine/plan.ts";
import { icon } from "../design/icons.ts";
import { PageElement } from "../design/page-element.ts";
import { counted, date, duration, number, words } from "../format.ts";
import { groups, outcomeTexts } from "../mode-texts.ts";
import { download } from "../save-file.ts";
import { totalOf } from "./plan-view.ts";

const shown = 200;

/** What an import did, and every row that did not arrive; also as a download. */
export class ReportView extends PageElement {
  static override properties = { report: { attribute: false } };
  static override styles = [
    super.styles,
    css`
      .stack > * {
        min-width: 0;
      }

      summary {
        cursor: pointer;
        font-weight: 550;
      }

      ol {
        margin-top: 0.5rem;
        padding-left: 1.5rem;
        font-size: 0.8125rem;
      }

      li {
        padding: 0.1875rem 0;
      }
    `,
  ];
  declare report: ImportReport;

  override render() {
    const { report } = this;
    const { plan, failed_blobs: failed } = report;
    const deleted = totalOf(plan, ["delete"]);
    const [added, changed, , , skipped] = groups.map(({ outcomes }) => totalOf(plan, outcomes));
    const seconds = (Date.parse(report.finished_at) - Date.parse(report.started_at)) / 1000;
    return html`<div class="stack">
      <div class="note good" role="status" tabindex="-1">
        ${icon("sound")}
        <div>
          <h3>Imported</h3>
          <p>
            ${counted(added!, "row")} added, ${counted(changed!, "row")} updated, ${deleted > 0 ? `${counted(deleted, "row")} deleted, ` : nothing}${counted(plan.blobs.write - failed.length, "file")} stored,
            ${counted(skipped!, "row")} skipped. It took ${duration(seconds)} and ended on ${date(report.finished_at)}.
          </p>
          <p class="muted small">Import <code>${report.import_id}</code>; its record is in this installation's journal.</p>
        </div>
      </div>
      ${failed.length === 0 ? nothing : this.#failed()}
      <holdall-plan .plan=${plan}></holdall-plan>
      ${report.skipped.length === 0 ? nothing : this.#skipped()}
      <div class="row">
        <button @click=${this.#save}>${icon("down")}Save the report</button>
        <button class="plain" @click=${() => this.dispatchEvent(new Event("again"))}>Import another bundle</button>
      </div>
    </div>`;
  }

  override firstUpdated() {
    this.renderRoot.querySelector<HTMLElement>(".note")?.focus();
  }

  #failed() {
    const { failed_blobs: failed } = this.report;
    return html`<div class="note warn">
      ${icon("warn")}
      <div>
        <h3>${counted(failed.length, "file")} could not be stored; their rows were skipped</h3>
        <ol>
          ${failed.slice(0, shown).map(({ key, error }) => html`<li>${key}: ${error}</li>`)}
        </ol>
      </div>
    </div>`;
  }

  #skipped() {
    const { skipped, skipped_truncated: isCut } = this.report;
    const more = skipped.length > shown || isCut;
    return html`<details>
      <summary>Every skipped row and why</summary>
      <ol>
        ${skipped.slice(0, shown).map(({ table, row, key, outcome, constraint }) => {
          const by = constraint === undefined ? "" : ` (${constraint})`;
          return html`<li>${words(table)}, row ${number(row)} <code>${key.join(", ")}</code>: ${outcomeTexts[outcome]}${by}</li>`;
        })}
      </ol>
      ${more ? html`<p class="muted small">… and more: the saved report lists up to 10,000.</p>` : nothing}
    </details>`;
  }

  readonly #save = () => {
    const text = JSON.stringify(this.report, null, 2);
    download(new Blob([text], { type: "application/json" }), `import-${this.report.import_id}.json`);
  };
}

customElements.define("holdall-report", ReportView);
