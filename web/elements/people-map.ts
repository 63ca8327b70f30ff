import { css, html, nothing } from "lit";
import type { PlannedUser } from "../../engine/plan.ts";
import { PageElement, properties } from "../design/page-element.ts";
import { counted } from "../format.ts";

/** Who the people are here whom rows of the bundle name. Fires `chosen` with the mapping. */
export class PeopleMap extends PageElement {
  static override properties = properties("users map");
  static override styles = [
    super.styles,
    css`
      details {
        padding: 0.75rem 1rem;
        border: 1px solid var(--_line);
        border-radius: var(--_radius-small);
      }

      summary {
        cursor: pointer;
        font-weight: 550;
      }

      p {
        margin: 0.5rem 0;
      }

      .person {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        gap: 0.25rem 1rem;
        align-items: center;
        padding: 0.375rem 0;
        border-top: 1px solid var(--_line);
      }

      .person input {
        width: 100%;
      }

      button {
        margin-top: 0.75rem;
      }
    `,
  ];
  declare users: PlannedUser[];
  declare map: Record<string, string>;

  override render() {
    const { users } = this;
    if (users.length === 0) return nothing;
    const mapped = users.filter((user) => user.mapped !== null).length;
    return html`<details>
      <summary>${counted(users.length, "person", "people")} in the bundle, ${counted(mapped, "is", "are")} mapped</summary>
      <p class="muted small">
        Say who they are here, by e-mail address. Who made a row and who is a member then stays so; otherwise rows arrive in your name, and
        memberships stay out.
      </p>
      <form @submit=${this.#use}>
        ${users.map(
          ({ id, email, references, mapped, proposed }) => html`<label class="person">
            <span>${email ?? html`<code>${id}</code>`} <span class="muted small">named ${counted(references, "time")}</span></span>
            <input type="text" name=${id} placeholder="nobody" .value=${this.map[id] ?? mapped?.email ?? proposed?.email ?? ""} />
          </label>`,
        )}
        <button>Use these people</button>
      </form>
    </details>`;
  }

  readonly #use = (event: SubmitEvent) => {
    event.preventDefault();
    const given = [...new FormData(event.target as HTMLFormElement)].map(([id, name]) => [id, String(name).trim()] as const);
    const user_map = Object.fromEntries(given.filter(([, name]) => name !== ""));
    this.dispatchEvent(new CustomEvent("chosen", { detail: { user_map } }));
  };
}

customElements.define("holdall-people", PeopleMap);
