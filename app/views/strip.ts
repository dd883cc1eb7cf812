import type { StoreCall } from "../measure.ts";
import { usesLibrary } from "../sources.ts";
import type { Lines } from "../sources.ts";
import { codeRegion } from "./code.ts";
import { FLASK } from "./strip-flask.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** Where the strip will be. A visitor's text can't contain it, since its `<` is escaped. */
export const STRIP_MARK = "<!--strip-->";
export const STRIP_SLOT = html`<!--strip-->`;

/** What a request cost, as it was measured, and what its response said. */
export type Cost = {
  method: string;
  path: string;
  status: number;
  calls: readonly StoreCall[];
  /** Names and attributes, without the values. */
  cookies: readonly { name: string; attributes: string }[];
  cacheControl: string | undefined;
  vary: string | undefined;
};

/**
 * What a strip shows. `form` is the form that led to this page, if there was one; `ran` are the lines that ran, and
 * `forms` are those that will run if a form of this page is sent.
 */
export type Strip = { cost: Cost; form: Cost | undefined; ran: readonly Lines[]; forms: readonly Lines[] };

/** The strip below a page: what it cost, and the lines that did it. */
export function stripView({ cost, form, ran, forms }: Strip): Html {
  const lessons = [...new Set([FLASK.get(form?.path ?? ""), FLASK.get(cost.path)])].filter(
    (lesson) => lesson !== undefined,
  );
  const documents = new Map(lessons.map(({ docs, title }) => [docs, title]));
  const files = [...new Set([...ran, ...forms].map(({ file }) => file))];
  return html`<details class="strip">
    <summary>
      <span class="strip-title">What this page cost</span>
      <span class="strip-sum">${summary(cost)}</span>
    </summary>
    <div class="strip-costs">
      ${form === undefined ? "" : costView("The form before it", form)} ${costView("This page", cost)}
    </div>
    ${
      files.length === 0
        ? ""
        : html`<div class="strip-code">
            <section>
              <h2>The lines that ran, in TypeScript</h2>
              ${ran.map(({ name, code }) => foldedCode(name, code, true))}
              ${forms.length === 0 ? "" : html`<h2>If you send a form of this page</h2>`}
              ${forms.map(({ name, code }) => foldedCode(name, code, false))}
            </section>
            ${
              lessons.length === 0
                ? ""
                : html`<section>
                    <h2>The same in Flask</h2>
                    ${lessons.map(({ code }, at) => codeBox(`In Flask, ${at + 1} of ${lessons.length}`, code))}
                  </section>`
            }
          </div>`
    }
    <p class="strip-links">
      ${
        documents.size === 0
          ? ""
          : html`Read more:
            ${[...documents].map(([page, title]) => html`<a href="/docs/${page}">${title}</a>. `)}`
      }
      ${
        files.length === 0
          ? ""
          : html`In the repository:
            ${files.map((file) => html`<a href="/source/${file}"><code>${file}</code></a> `)}`
      }
    </p>
  </details>`;
}

function summary({ calls, cookies, cacheControl }: Cost): string {
  return [
    counted(calls.length, "store call"),
    `${counted(cookies.length, "cookie")} set`,
    `Cache-Control: ${cacheControl ?? "none"}`,
  ].join(" · ");
}

function counted(count: number, what: string): string {
  if (count === 0) return `no ${what}`;
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

function costView(title: string, { method, path, status, calls, cookies, cacheControl, vary }: Cost): Html {
  return html`<section>
    <h2>${title}</h2>
    <dl class="kept">
      <div>
        <dt>request</dt>
        <dd><code>${method} ${path}</code> → ${status}</dd>
      </div>
      <div>
        <dt>store calls</dt>
        <dd>${calls.length === 0 ? "none" : calls.map(callView)}</dd>
      </div>
      <div>
        <dt>Set-Cookie</dt>
        <dd>
          ${
            cookies.length === 0
              ? "none"
              : cookies.map(
                  ({ name, attributes }) =>
                    html`<span class="row"><code>${name}=…; ${attributes}</code></span>`,
                )
          }
        </dd>
      </div>
      <div>
        <dt>caches</dt>
        <dd>
          <span class="row"><code>Cache-Control: ${cacheControl ?? "none"}</code></span>
          <span class="row"><code>Vary: ${vary ?? "none"}</code></span>
        </dd>
      </div>
    </dl>
  </section>`;
}

function callView({ operation, milliseconds, failed }: StoreCall): Html {
  return html`<span class="row"
    ><code>${operation}</code> ${failed ? html`<b>failed</b> after ` : ""}${milliseconds.toFixed(2)} ms</span
  >`;
}

function foldedCode(name: string, code: string, isOpen: boolean): Html {
  return html`<details class="lines" ${isOpen ? html`open` : ""}>
    <summary><code>${name}</code></summary>
    ${codeBox(name, code)}
  </details>`;
}

/** The lines that use the library are marked: everything else is the site's own. */
function codeBox(name: string, code: string): Html {
  const lines = code.split("\n").map((line) => [usesLibrary(line) ? html`<mark>${line}</mark>` : line, "\n"]);
  return codeRegion(name, lines);
}
