import type { ConflictMode } from "../engine/plan.ts";
import { importBundle, type Preview, ProblemError, type Progress, preview, type ScopeDescription } from "./api.ts";
import { card, choice, el, newId, Status } from "./dom.ts";
import { counted, number, size, words } from "./format.ts";
import { arriving, previewView } from "./preview-view.ts";
import { problemView } from "./problem-view.ts";
import { reportView } from "./report-view.ts";

const modes: Record<ConflictMode, [label: string, description: string]> = {
  skip_existing: ["Add what is new", "Rows whose key is new here are added. Whatever is here already stays as it is."],
  merge: ["Add and update", "As above, and rows that are here already take the bundle's values. History and owners stay."],
  overwrite_metadata_only: ["Refresh metadata", "As adding, and rows that are here already take the bundle's metadata only."],
};

/** Choose a file, see what an import would do, then do exactly that. */
export function importView(scope: ScopeDescription): HTMLElement {
  const file = el("input", { type: "file", id: newId("file"), accept: ".zip,.ndjson,application/zip", required: true });
  const radios = scope.modes.map((mode, i) => el("input", { type: "radio", name: "mode", value: mode, checked: i === 0 }));
  const button = el("button", { class: "primary" }, "Preview");
  const cancel = el("button", { type: "button", hidden: true }, "Cancel");
  const status = new Status();
  const outcome = el("div", { class: "outcome" });
  const chosenMode = () => radios.find((radio) => radio.checked)!.value as ConflictMode;
  const controls = [file, button, ...radios];

  const work = async (begin: string, run: (signal: AbortSignal) => Promise<HTMLElement>, mayCancel: boolean) => {
    const stop = new AbortController();
    cancel.onclick = () => stop.abort();
    cancel.hidden = !mayCancel;
    for (const control of controls) control.disabled = true;
    outcome.replaceChildren();
    status.say(begin);
    const shown = await run(stop.signal).catch((error) => (stop.signal.aborted ? null : problemView(error)));
    status.done(shown === null ? "The preview was cancelled; nothing was changed." : "");
    if (shown !== null) outcome.replaceChildren(shown);
    for (const control of controls) control.disabled = false;
    cancel.hidden = true;
    shown?.focus();
  };

  const runPreview = async () => {
    const chosen = file.files?.[0];
    if (chosen === undefined) return;
    if (chosen.size > scope.max_upload_bytes) return refuseSize(chosen);
    await work(
      `Uploading ${size(chosen.size)} …`,
      async (signal) => {
        const found = await preview(chosen, chosenMode(), (progress) => showProgress(status, progress), signal);
        return previewView(
          found,
          confirmation(found, () => void runImport(chosen, found)),
        );
      },
      true,
    );
  };

  const runImport = (chosen: File, found: Preview) =>
    work(
      `Uploading ${size(chosen.size)} …`,
      async () => reportView(await importBundle(chosen, found.plan, (progress) => showProgress(status, progress))),
      false,
    );

  const refuseSize = (chosen: File) => {
    const detail = `${chosen.name} has ${size(chosen.size)} and this server takes ${size(scope.max_upload_bytes)}; export without files, or raise the limit`;
    outcome.replaceChildren(problemView(new ProblemError({ title: "The file is too large", status: 413, detail })));
  };

  const form = el(
    "form",
    {
      submit: (event) => {
        event.preventDefault();
        void runPreview();
      },
      // What is shown belongs to the file and the mode that were chosen when it was made.
      change: () => {
        status.done(outcome.hasChildNodes() ? "Preview again to see what this would do." : "");
        outcome.replaceChildren();
      },
    },
    el(
      "div",
      { class: "field" },
      el("label", { for: file.id }, "Backup file"),
      file,
      el("p", { class: "note" }, `Up to ${size(scope.max_upload_bytes)}. It is checked whole before anything is read from it.`),
    ),
    el("fieldset", {}, el("legend", {}, "What happens to rows that are here already"), ...radios.map(modeChoice)),
    el("div", { class: "actions" }, button, cancel),
    status.box,
  );
  return card("Import", el("p", {}, "A preview comes first and changes nothing."), form, outcome);
}

function modeChoice(radio: HTMLInputElement): HTMLElement {
  const [label, description] = modes[radio.value as ConflictMode];
  return choice(radio, label, description);
}

function confirmation({ plan, importer }: Preview, confirm: () => void): HTMLElement {
  const { rows, changes } = arriving(plan);
  const nothing = rows + changes === 0;
  const what = [rows > 0 && `add ${counted(rows, "row")}`, changes > 0 && `update ${counted(changes, "row")}`].filter(Boolean);
  return el(
    "div",
    { class: "confirm" },
    el(
      "p",
      {},
      nothing ? "An import would change nothing." : `An import would ${what.join(" and ")}, in the name of ${importer}.`,
    ),
    el("button", { type: "button", class: "primary", disabled: nothing, click: confirm }, "Import exactly this"),
  );
}

const phases = {
  verify: "Checking",
  stage: "Reading",
  plan: "Comparing with this installation",
  blobs: "Storing files",
  apply: "Writing",
};

function showProgress(status: Status, { phase, table, rows, files, bytes, bytesTotal }: Progress): void {
  const about = [
    table !== undefined && words(table),
    rows !== undefined && `${number(rows)} rows`,
    files !== undefined && `${number(files)} files`,
    bytes !== undefined && size(bytes),
  ].filter(Boolean);
  const part = bytes !== undefined && bytesTotal ? bytes / bytesTotal : undefined;
  status.say(`${phases[phase]}${about.length === 0 ? " …" : `: ${about.join(", ")}`}`, part);
}
