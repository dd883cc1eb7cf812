import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** The lines of code that a lesson is about. */
export function code(lines: string, label = "The code"): Html {
  return html`<div class="code">${codeRegion(label, lines)}</div>`;
}

/** Code that scrolls, if it has to, also by keyboard. Each on a page has a label of its own. */
export function codeRegion(label: string, content: unknown): Html {
  return html`<pre tabindex="0" role="region" aria-label="${label}"><code>${content}</code></pre>`;
}
