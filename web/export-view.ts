import { exportBundle, type ScopeDescription } from "./api.ts";
import { card, choice, el, Status } from "./dom.ts";
import { size } from "./format.ts";
import { problemView } from "./problem-view.ts";
import { openTarget } from "./save-file.ts";

const containers = [
  { type: "application/zip", label: "ZIP archive", description: "Opens everywhere; the usual choice." },
  { type: "application/x-ndjson", label: "NDJSON stream", description: "For pipes and scripts: one row a line, read by jq." },
];

export function exportView(scope: ScopeDescription): HTMLElement {
  const options = scope.options.map((option) => {
    const input = el("input", { type: "checkbox", name: option.name, checked: option.default });
    return { ...option, input };
  });
  const types = containers.map((container, i) => ({
    ...container,
    input: el("input", { type: "radio", name: "container", value: container.type, checked: i === 0 }),
  }));
  const button = el("button", { class: "primary" }, "Export");
  const cancel = el("button", { type: "button", hidden: true }, "Cancel");
  const status = new Status();
  const problems = el("div");
  const form = el(
    "form",
    {
      submit: (event) => {
        event.preventDefault();
        const chosen = Object.fromEntries(options.map(({ name, input }) => [name, input.checked]));
        void run(chosen, types.find(({ input }) => input.checked)!.type);
      },
    },
    el("fieldset", {}, el("legend", {}, "What goes in"), ...options.map((o) => choice(o.input, o.label, o.description))),
    el("fieldset", {}, el("legend", {}, "Written as"), ...types.map((t) => choice(t.input, t.label, t.description))),
    el("div", { class: "actions" }, button, cancel),
    status.box,
    problems,
  );

  async function run(chosen: Record<string, boolean>, type: string): Promise<void> {
    const stop = new AbortController();
    cancel.onclick = () => stop.abort();
    problems.replaceChildren();
    button.disabled = true;
    cancel.hidden = false;
    try {
      const saved = await save(chosen, type, stop.signal, (bytes) => status.say(`Exporting … ${size(bytes)}`));
      status.done(saved === null ? "" : `Exported ${size(saved)}.`);
    } catch (error) {
      status.done(stop.signal.aborted ? "The export was cancelled." : "");
      if (!stop.signal.aborted) problems.replaceChildren(problemView(error));
    } finally {
      button.disabled = false;
      cancel.hidden = true;
    }
  }

  return card("Export", el("p", {}, scope.description, " ", never(scope)), form);
}

function never(scope: ScopeDescription): string {
  return Object.keys(scope.ignored_options).includes("include_secrets") ? "Secrets never leave this installation." : "";
}

/** Bytes saved, or `null` where no file was chosen. */
async function save(
  options: Record<string, boolean>,
  type: string,
  signal: AbortSignal,
  report: (bytes: number) => void,
): Promise<number | null> {
  const target = await openTarget(type);
  if (target === null) return null;
  report(0);
  try {
    const response = await exportBundle(options, type, signal);
    let bytes = 0;
    const reader = response.body!.getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      await target.write(value!);
      bytes += value!.length;
      report(bytes);
    }
    await target.close(response.headers.get("content-disposition") ?? "");
    return bytes;
  } catch (error) {
    await target.abort();
    throw error;
  }
}
