import { code } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { steps } from "./lessons.ts";
import { whyForm } from "./wording.ts";

const STEPS = [
  { path: "/session_set", name: "Set" },
  { path: "/session_get", name: "Get" },
  { path: "/session_delete", name: "Delete" },
];

/** `/session_set`. */
export function sessionSetView(): Html {
  return html`<h1>Put something in</h1>
    ${steps(STEPS, "/session_set")}
    <p class="lead">
      Store two values, and find them on the next page. They stay on the server, so nobody can read them in
      your cookie, and it never grows.
    </p>
    <div class="columns">
      <article>
        <form method="post" action="/session_set">
          <label for="name">A name</label>
          <input id="name" name="name" value="Ada" maxlength="200" required autocomplete="off" />
          <label for="message">A message</label>
          <input
            id="message"
            name="message"
            value="Good morning"
            maxlength="1000"
            required
            autocomplete="off"
          />
          <button>Store both</button>
        </form>
      </article>
      <div>
        ${code(`session.set("name", form.name);\nsession.set("message", form.message);`)}
        ${whyForm("stores both")}
      </div>
    </div>`;
}

/** `/session_get`. */
export function sessionGetView({
  name,
  message,
}: {
  name: string | undefined;
  message: string | undefined;
}): Html {
  const nothing = name === undefined && message === undefined;
  return html`<h1>Take a look</h1>
    ${steps(STEPS, "/session_get")}
    <div class="columns">
      <article>
        ${
          nothing
            ? html`<p id="nothing">
                The session holds no name and no message. <a href="/session_set">Put them in.</a>
              </p>`
            : html`<dl class="kept">
                <div>
                  <dt>name</dt>
                  <dd id="kept-name">${name ?? html`<em>not there</em>`}</dd>
                </div>
                <div>
                  <dt>message</dt>
                  <dd id="kept-message">${message ?? html`<em>not there</em>`}</dd>
                </div>
              </dl>`
        }
      </article>
      <div>
        ${code(`session.get("name");      // or undefined\nsession.get("message");`)}
        <p class="hint">
          Reading is what a <code>GET</code> is for, so this address does what it does in the tutorials. It
          makes no session for somebody who has none.
        </p>
      </div>
    </div>`;
}

/** `/session_delete`. */
export function sessionDeleteView({ hasName, keys }: { hasName: boolean; keys: readonly string[] }): Html {
  return html`<h1>Take it out</h1>
    ${steps(STEPS, "/session_delete")}
    <div class="columns">
      <article>
        <p>
          ${
            keys.length === 0
              ? "The session holds nothing."
              : html`The session holds
                ${keys.map((key, at) => html`${at === 0 ? "" : ", "}<code>${key}</code>`)}.`
          }
        </p>
        <div class="buttons">
          <form method="post" action="/session_delete">
            <button class="quiet" name="what" value="name" ${hasName ? "" : html`disabled`}>
              Remove the name
            </button>
          </form>
          <form method="post" action="/session_delete">
            <button name="what" value="everything">Clear everything</button>
          </form>
        </div>
        <p class="hint">Clear removes the data; it does not log you out.</p>
      </article>
      <div>
        ${code(`session.has("name");      // true\nsession.delete("name");   // one key\nsession.clear();          // everything`)}
        ${whyForm("removes the name")}
      </div>
    </div>`;
}
