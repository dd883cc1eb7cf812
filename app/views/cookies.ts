import { code } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { steps } from "./lessons.ts";
import { whyForm } from "./wording.ts";

/** A cookie of the lesson, as the browser sent it. */
export type CookieSeen = {
  kind: "plain" | "signed" | "sealed";
  name: string;
  value: string | undefined;
  refused: boolean;
};

const STEPS = [
  { path: "/cookie_set", name: "Set" },
  { path: "/cookies_get", name: "Get" },
  { path: "/cookies_delete", name: "Delete" },
];

/** `/cookie_set`. */
export function cookiesSetView(): Html {
  return html`<h1>Set three cookies</h1>
    ${steps(STEPS, "/cookie_set")}
    <p class="lead">
      For what belongs to a browser and not to a session, such as a theme. Set them, then edit them in your
      browser's tools: a value that must be true, such as a price, has to be signed.
    </p>
    <div class="columns">
      <article>
        <form method="post" action="/cookie_set">
          <label for="value">A value</label>
          <input id="value" name="value" value="chocolate" maxlength="100" required autocomplete="off" />
          <button>Set the cookies</button>
        </form>
        <p class="hint">
          The same value three times: as it is, signed (readable, but nobody can change it) and sealed (nobody
          can read it either).
        </p>
      </article>
      <div>
        ${code(`cookies.set("plain", value);\ncookies.signed.set("signed", value);\ncookies.sealed.set("sealed", value);`)}
        ${whyForm("sets the cookie")}
      </div>
    </div>`;
}

/** `/cookies_get`. */
export function cookiesGetView(seen: readonly CookieSeen[]): Html {
  return html`<h1>What came back</h1>
    ${steps(STEPS, "/cookies_get")}
    <div class="columns">
      <article>
        <dl class="kept">
          ${seen.map(
            (cookie) =>
              html`<div>
                <dt><code>${cookie.name}</code></dt>
                <dd id="cookie-${cookie.kind}">${outcome(cookie)}</dd>
              </div>`,
          )}
        </dl>
        <p class="hint">
          Change them in your browser's tools and reload: the plain one is believed, the others are not.
        </p>
      </article>
      ${code(`cookies.get("plain");\n\n// undefined if somebody edited it\ncookies.signed.get("signed");\ncookies.signed.invalid("signed");`)}
    </div>`;
}

/** `/cookies_delete`. */
export function cookiesDeleteView(): Html {
  return html`<h1>Delete them</h1>
    ${steps(STEPS, "/cookies_delete")}
    <div class="columns">
      <article>
        <p>
          A site cannot reach into a browser; it asks it to forget a cookie, by its exact name, path and
          domain.
        </p>
        <form method="post" action="/cookies_delete"><button>Delete the cookies</button></form>
      </article>
      <div>${code(`cookies.delete("plain");`)} ${whyForm("deletes the cookie")}</div>
    </div>`;
}

function outcome({ name, value, refused }: CookieSeen): Html {
  if (refused) return html`<em class="refused">refused: this is not what the site wrote</em>`;
  if (value === undefined) return html`<em>There is no cookie named ${name}.</em>`;
  return html`${value}`;
}
