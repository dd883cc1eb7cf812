import { isDemo } from "../demo.ts";
import { DEMO } from "../users.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { returnField } from "./login.ts";
import { ownerField, usernameField } from "./owner.ts";

/** `/account`. */
export function accountView({ owner, name }: { owner: string; name: string }): Html {
  return html`<h1>Your data</h1>
    <p class="lead">
      You have just typed your password, so this page is open for a few minutes: a session that somebody stole
      would not get here.
    </p>
    <div class="columns">
      <article>
        <h2>Take it with you</h2>
        <p>Your account, your browsers and what this session holds, as a file.</p>
        <p><a href="/account/export.json" download class="button">Export as JSON</a></p>
      </article>
      <article>
        <h2>Delete your account</h2>
        ${
          isDemo({ name })
            ? html`<p>
                ${name} is everybody's account here, so it stays. <a href="/signup">Sign up</a> for one that
                you can delete.
              </p>`
            : html`<p>
                  Your name, your note and your colour are deleted, and all your browsers are logged out. This
                  cannot be undone.
                </p>
                <form method="post" action="/account">
                  ${ownerField(owner)}<button class="danger">Delete the account ${name}</button>
                </form>`
        }
      </article>
    </div>`;
}

/** Shown if the form came from another user's page. */
export function toAccountView(): Html {
  return html`<p><a href="/account">See your own account</a></p>`;
}

type ConfirmForm = { owner: string; name: string; back: string | undefined };

/** `/confirm`. */
export function confirmView(form: ConfirmForm): Html {
  return html`<div class="narrow">
    <article>
      <h1>Is it still you?</h1>
      <p class="hint">
        You are logged in as <strong>${form.name}</strong>. For what comes next, please type your password
        again. ${isDemo(form) ? html`It is <strong>${DEMO.password}</strong>.` : ""}
      </p>
      ${confirmForm(form)}
    </article>
    <p class="after"><a href="/user">Back to your page</a></p>
  </div>`;
}

/** The form on its own. */
export function confirmForm({ owner, name, back }: ConfirmForm): Html {
  return html`<form method="post" action="/confirm">
    ${ownerField(owner)} ${usernameField(name)} ${returnField(back)}
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required />
    <button>Go on</button>
  </form>`;
}
