import type { Duration } from "coatcheck";
import { MIN_PASSWORD_CHARACTERS } from "../passwords.ts";
import { loginPath } from "../return-path.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { keepBox, nameField, returnField } from "./login.ts";

/** `/signup`. After a problem, what was typed is filled in. */
export function signUpView({
  name = "",
  ticked = false,
  back,
  lifetime,
}: {
  name?: string;
  ticked?: boolean;
  back: string | undefined;
  lifetime: Duration;
}): Html {
  return html`<div class="narrow">
    <article>
      <h1>Sign up</h1>
      <form method="post" action="/signup">
        ${returnField(back)} ${nameField(name)}
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="new-password"
          required
          minlength="${MIN_PASSWORD_CHARACTERS}"
          aria-describedby="password-hint"
        />
        <small id="password-hint"
          >At least ${MIN_PASSWORD_CHARACTERS} characters. A few words in a row are good.</small
        >
        ${keepBox(lifetime, ticked)}
        <button>Create my account</button>
      </form>
    </article>
    <p class="after">Have an account? <a href="${loginPath(back)}">Log in</a></p>
  </div>`;
}
