import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** The lines of code that a lesson is about. */
export function code(lines: string): Html {
  return html`<aside class="code" aria-label="The code">
    <pre><code>${lines}</code></pre>
  </aside>`;
}
