import type { Duration } from "coatcheck";
import { MAX_NAME_LENGTH } from "../names.ts";
import { DEMO } from "../users.ts";
import { loginPath } from "../return-path.ts";
import { code } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { lasting, whyForm } from "./wording.ts";

/** `/login`. */
export function loginView({
  name,
  ticked,
  back,
  lifetime,
}: {
  name: string;
  ticked: boolean;
  back: string | undefined;
  lifetime: Duration;
}): Html {
  return html`<div class="columns">
    <div>
      <article>
        <h1>Log in</h1>
        <form method="post" action="/login">
          ${returnField(back)} ${nameField(name)}
          <label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required />
          ${keepBox(lifetime, ticked)}
          <button>Log in</button>
        </form>
        <p class="aside">
          Just looking? Log in as <strong>${DEMO.name}</strong> with the password
          <strong>${DEMO.password}</strong>.
        </p>
      </article>
      <p class="after">No account yet? <a href="${loginPath(back, "/signup")}">Sign up</a></p>
    </div>
    <div>
      ${code(`// the password is right\nawait session.login(user.id);\nsession.set("user", user.name);\nsession.permanent = form.keep;\nsession.flash("Login successful.", "success");\n\n// from now on, on every page\nsession.subject;      // "42"\nsession.get("user");  // "leo"`)}
      <p class="hint">
        Log in, and look at the header: every page knows your name, though your browser got nothing but one
        cookie, the ticket. It is a new one with each login, so one that somebody planted in your browser
        before is worth nothing.
      </p>
    </div>
  </div>`;
}

/** Logs in as the demo user with one click. A login like any other. */
export function demoForm(): Html {
  return html`<form method="post" action="/login">
    <input type="hidden" name="name" value="${DEMO.name}" />
    <input type="hidden" name="password" value="${DEMO.password}" />
    <button name="from" value="home">Log in as ${DEMO.name}</button>
  </form>`;
}

/** The field for the user's name. */
export function nameField(name: string): Html {
  return html`<label for="name">Name</label>
    <input
      id="name"
      name="name"
      value="${name}"
      autocomplete="username"
      autocapitalize="none"
      required
      maxlength="${MAX_NAME_LENGTH}"
    />`;
}

/** The return path after the login. Checked again when the form is submitted. */
export function returnField(back: string | undefined): Html | "" {
  return back === undefined ? "" : html`<input type="hidden" name="return" value="${back}" />`;
}

/** The checkbox that makes a session outlive the browser. */
export function keepBox(lifetime: Duration, ticked: boolean): Html {
  return html`<label class="tick" for="keep">
    <input id="keep" name="keep" type="checkbox" ${ticked ? html`checked` : ""} />
    <span>Keep me logged in <small>for ${lasting(lifetime)}, even when I close the browser</small></span>
  </label>`;
}

/** `/logout` for visitors who follow a link. It has a button, since opening a page must not change anything. */
export function logoutView(): Html {
  return html`<div class="columns">
    <div>
      <article>
        <h1>Log out?</h1>
        <p>
          Everything the session holds will be gone from the server. Your note and your colour come back when
          you log in again.
        </p>
        <form method="post" action="/logout"><button>Log out</button></form>
      </article>
      <p class="after"><a href="/user">Stay logged in</a></p>
    </div>
    <div>${code(`await session.logout();`)} ${whyForm("logs you out")}</div>
  </div>`;
}
