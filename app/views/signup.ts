import type { Duration } from "coatcheck";
import { MIN_PASSWORD_CHARACTERS } from "../passwords.ts";
import { MAX_NAME_LENGTH } from "../names.ts";
import { loginPath } from "../return-path.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { keepBox, returnField } from "./login.ts";
import { noticeBox } from "./message.ts";

/** `/signup`. If there is a problem, the form again, with the name filled in. */
export function signUpView({
  name = "",
  problem,
  back,
  lifetime,
}: {
  name?: string;
  problem?: string;
  back: string | undefined;
  lifetime: Duration;
}): Html {
  return html`<div class="narrow">
    <article>
      <h1>Sign up</h1>
      ${problem === undefined ? "" : noticeBox("error", problem)}
      <form method="post" action="/signup">
        ${returnField(back)}
        <label for="name">Name</label>
        <input
          id="name"
          name="name"
          value="${name}"
          autocomplete="username"
          autocapitalize="none"
          required
          maxlength="${MAX_NAME_LENGTH}"
        />
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
        ${keepBox(lifetime)}
        <button>Create my account</button>
      </form>
    </article>
    <p class="after">Have an account? <a href="${loginPath(back)}">Log in</a></p>
  </div>`;
}
