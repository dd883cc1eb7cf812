import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { code } from "./code.ts";

/** The pages of one lesson, side by side. */
export function steps(pages: readonly { path: string; name: string }[], here: string): Html {
  return html`<nav class="steps" aria-label="Steps">
    <ul>
      ${pages.map(
        ({ path, name }) =>
          html`<li><a href="${path}" ${path === here ? html`aria-current="page"` : ""}>${name}</a></li>`,
      )}
    </ul>
  </nav>`;
}

/** `/counter`. */
export function counterView(count: number): Html {
  return html`<h1>Count without losing one</h1>
    <p class="lead">
      Click here and in a second tab, as fast as you can. Two clicks that both read 3 and both write 4 lose
      one. <code>update</code> reads and writes in one step, so that cannot happen.
    </p>
    <div class="columns">
      <article class="counter">
        <output id="count">${count}</output>
        <form method="post" action="/counter"><button>Add one</button></form>
        <p class="hint">A race that others lose: <a href="/races/counter">two clicks, one counter</a>.</p>
      </article>
      ${code(`await session.update("counter",\n  (count) => (count ?? 0) + 1);`)}
    </div>`;
}

/** `/flash`. */
export function flashView(): Html {
  return html`<h1>Messages, shown once</h1>
    <div class="columns">
      <article>
        <p>
          Send this form. It leaves four messages, of four categories, and goes on through two redirects. They
          are shown above, once: reload, and they are gone. Of two tabs that load at the same time, one shows
          them, and a page that fails does not use them up.
        </p>
        <form method="post" action="/flash">
          <label for="message">One of your own <small>(try some HTML)</small></label>
          <input id="message" name="message" value="<b>not bold</b>" maxlength="200" autocomplete="off" />
          <button>Leave the messages</button>
        </form>
      </article>
      ${code(`session.flash("This went well.", "success");\nsession.flash("Careful with this.", "warning");\n\n// on the next page, whichever it is\nawait session.takeFlashes();`)}
    </div>`;
}
