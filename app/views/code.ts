import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** The lines of code that a lesson is about. Long ones scroll, also by keyboard. */
export function code(lines: string, label = "The code"): Html {
  return html`<div class="code">
    <pre tabindex="0" role="region" aria-label="${label}"><code>${lines}</code></pre>
  </div>`;
}
