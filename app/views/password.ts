import { MIN_PASSWORD_CHARACTERS } from "../passwords.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";
import { ownerField } from "./owner.ts";

/** `/password`. */
export function passwordView(owner: string, problem?: string): Html {
  return html`<div class="narrow">
    <article>
      <h1>Change your password</h1>
      <p class="hint">All your other browsers will be logged out.</p>
      ${problem === undefined ? "" : noticeBox("error", problem)} ${passwordForm(owner)}
    </article>
    <p class="after"><a href="/user">Back to your page</a></p>
  </div>`;
}

/** The form on its own. */
export function passwordForm(owner: string): Html {
  return html`<form method="post" action="/password">
    ${ownerField(owner)}
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
