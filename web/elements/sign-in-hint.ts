import { css, html, LitElement } from "lit";
import { base } from "../design/base.ts";
import { icon } from "../design/icons.ts";

/** Where the sign-in link is to be found; nothing of the installation. */
export class SignInHint extends LitElement {
  static override styles = [
    base,
    css`
      section {
        max-width: 30rem;
        margin: 8vh auto;
        text-align: center;
      }

      .icon {
        font-size: 2rem;
        color: var(--_accent);
      }

      h2 {
        margin: 0.75rem 0 0.5rem;
      }

      .small {
        margin-top: 0.75rem;
      }
    `,
  ];

  override render() {
    return html`<section class="card">
      ${icon("lock")}
      <h2>Sign in first</h2>
      <p>This page is for admins. Open the sign-in link that the server printed when it started; it leads back here.</p>
      <p class="muted small">The link changes with every start of the server, and a sign-in lasts twelve hours.</p>
    </section>`;
  }
}

customElements.define("holdall-sign-in", SignInHint);
