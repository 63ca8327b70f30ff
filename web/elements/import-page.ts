import { css, html, LitElement } from "lit";
export class ImportPage extends LitElement {
  override render() { return html`todo`; }
}
customElements.define("holdall-import", ImportPage);
