import { isDemo } from "../demo.ts";
import { MIN_PASSWORD_CHARACTERS } from "../passwords.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { ownerField, usernameField } from "./owner.ts";

type PasswordForm = { owner: string; name: string };

/** `/password`. */
export function passwordView(form: PasswordForm): Html {
  return html`<div class="narrow">
    <article>
      <h1>Change your password</h1>
      ${
        isDemo(form)
          ? html`<p>
              ${form.name} is everybody's account here, so its password stays as it is. Log out and
              <a href="/signup">sign up</a> for one of your own.
            </p>`
          : html`<p class="hint">All your other browsers will be logged out.</p>
              ${passwordForm(form)}`
      }
    </article>
    <p class="after"><a href="/user">Back to your page</a></p>
  </div>`;
}

/** The form on its own. */
export function passwordForm({ owner, name }: PasswordForm): Html {
  return html`<form method="post" action="/password">
    ${ownerField(owner)} ${usernameField(name)}
    <label for="current">Current password</label>
    <input id="current" name="current" type="password" autocomplete="current-password" required />
    <label for="next">New password</label>
    <input
      id="next"
      name="next"
      type="password"
      autocomplete="new-password"
      required
      minlength="${MIN_PASSWORD_CHARACTERS}"
      aria-describedby="next-hint"
    />
    <small id="next-hint">At least ${MIN_PASSWORD_CHARACTERS} characters.</small>
    <button>Change the password</button>
  </form>`;
}
