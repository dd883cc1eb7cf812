import type { Duration } from "coatcheck";
import { MAX_NAME_LENGTH } from "../names.ts";
import { DEMO } from "../users.ts";
import { loginPath } from "../return-path.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";
import { lasting } from "./wording.ts";

/** A notice on the login page, besides the waiting messages. At most one of these. */
export type LoginNotice = { error?: string; info?: string; insecureHost?: string; cookieMissing?: boolean };

/** `/login`. */
export function loginView({
  notice,
  name = "",
  back,
  lifetime,
}: {
  notice: LoginNotice;
  name?: string;
  back: string | undefined;
  lifetime: Duration;
}): Html {
  return html`<div class="narrow">
    ${noticeOf(notice)}
    <article>
      <h1>Log in</h1>
      <form method="post" action="/login">
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
        <input id="password" name="password" type="password" autocomplete="current-password" required />
        ${keepBox(lifetime)}
        <button>Log in</button>
      </form>
      <p class="aside">
        Just looking? Log in as <strong>${DEMO.name}</strong> with the password
        <strong>${DEMO.password}</strong>.
      </p>
    </article>
    <p class="after">No account yet? <a href="${loginPath(back, "/signup")}">Sign up</a></p>
  </div>`;
}

/** The return path after the login. Checked again when the form is submitted. */
export function returnField(back: string | undefined): Html | "" {
  return back === undefined ? "" : html`<input type="hidden" name="return" value="${back}" />`;
}

/** The checkbox that makes a session outlive the browser. */
export function keepBox(lifetime: Duration): Html {
  return html`<label class="tick" for="keep">
    <input id="keep" name="keep" type="checkbox" />
    <span>Keep me logged in <small>for ${lasting(lifetime)}, even when I close the browser</small></span>
  </label>`;
}

/** `/logout` for visitors who follow a link. It has a button, since opening a page must not change anything. */
export function logoutView(): Html {
  return html`<div class="narrow">
    <article>
      <h1>Log out?</h1>
      <p>
        Everything the session holds will be gone from the server. Your note and your colour stay in the
        database.
      </p>
      <form method="post" action="/logout"><button>Log out</button></form>
    </article>
    <p class="after"><a href="/user">Stay logged in</a></p>
  </div>`;
}

function noticeOf({ error, info, insecureHost, cookieMissing }: LoginNotice): Html | "" {
  if (insecureHost !== undefined) {
    return noticeBox(
      "warning",
      html`Logging in will not work here: over plain http, a browser does not keep the session's cookie for
        <strong>${insecureHost}</strong>. Open the site as <strong>http://localhost</strong> on the machine it
        runs on, or put it behind https.`,
    );
  }
  if (cookieMissing) {
    return noticeBox(
      "warning",
      "If you have just logged in: your browser did not keep the session's cookie. Some browsers refuse secure " +
        "cookies over plain http, even on localhost (Safari does), or are set to block cookies. Try Firefox or " +
        "Chrome, or put the site behind https.",
    );
  }
  if (error !== undefined) return noticeBox("error", error);
  return info === undefined ? "" : noticeBox("info", info);
}
