import { getScope, ProblemError } from "./api.ts";
import { exportView } from "./export-view.ts";
import { importView } from "./import-view.ts";
import { problemView, signInHint } from "./problem-view.ts";
import { scopeView } from "./scope-view.ts";

const main = document.querySelector("#main")!;

try {
  const scope = await getScope();
  document.title = `${scope.title} · Holdall`;
  document.querySelector("#subtitle")!.textContent = `${scope.title} (${scope.app.name} ${scope.app.version})`;
  main.replaceChildren(exportView(scope), importView(scope), scopeView(scope));
} catch (error) {
  const signedOut = error instanceof ProblemError && error.problem.status === 401;
  main.replaceChildren(signedOut ? signInHint() : problemView(error));
}
