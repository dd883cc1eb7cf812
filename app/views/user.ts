import { COLOURS } from "../colours.ts";
import { isDemo } from "../demo.ts";
import { MAX_NOTE_CHARACTERS } from "../users.ts";
import type { Login } from "../users.ts";
import { code } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";
import { ownerField } from "./owner.ts";
import { ago, browserName, moment } from "./wording.ts";

/** What `/user` shows: all of it comes from the session, but a note that could not be saved. */
export type UserPage = {
  form: NoteForm;
  name: string;
  lastLogin: Login | undefined;
  permanent: boolean;
  expiresAt: Date | undefined;
  now: number;
};

/** The content of the form for a user's note and colour, which may be text that was not saved. */
export type NoteForm = { owner: string; note: string; colour: string; isUnsaved?: boolean };

/** `/user`. */
export function userView({ form, name, lastLogin, permanent, expiresAt, now }: UserPage): Html {
  return html`<h1>Hello, ${name}!</h1>
    <p class="lead">
      ${
        permanent
          ? html`This browser keeps you logged in until ${moment(expiresAt)}.`
          : "You are logged in until you close the browser, or stay away for a while."
      }
      ${
        lastLogin
          ? html`Before that, you logged in ${ago(lastLogin.at, now)} with ${browserName(lastLogin.agent)}.`
          : ""
      }
    </p>
    <div class="columns">
      <article>
        <h2>Yours to keep</h2>
        <p class="hint">
          ${
            isDemo({ name })
              ? `${name} is everybody's account here. His note and his colour stay in this browser, for a day; those of an account of your own are in the database.`
              : "Saved in the database, and read into the session whenever you log in."
          }
        </p>
        ${noteForm(form)}
      </article>
      <div>
        <article>
          <h2>Your account</h2>
          <ul class="links">
            <li><a href="/devices">Devices</a> <small>where you are logged in, and how to end it</small></li>
            <li>
              <a href="/password">Change your password</a> <small>logs out all your other browsers</small>
            </li>
            <li><a href="/account">Your data</a> <small>export it, or delete the account</small></li>
            <li><a href="/inside">Inside the session</a> <small>what the server keeps for you</small></li>
          </ul>
          <form method="post" action="/logout"><button class="quiet">Log out</button></form>
        </article>
        ${code(`// for those who are logged in only\napp.get("/user", requireLogin(sessions), async (c) => {\n  const session = await sessions.of(c);\n  return c.html(hello(session.get("user")));\n});`)}
      </div>
    </div>`;
}

/** The form on its own. */
export function noteForm({ owner, note, colour, isUnsaved = false }: NoteForm): Html {
  return html`<form method="post" action="/user">
    ${ownerField(owner)}
    <label for="note">Your note</label>
    <textarea id="note" name="note" rows="4" maxlength="${MAX_NOTE_CHARACTERS}">${note}</textarea>
    <fieldset class="swatches">
      <legend>Your favourite colour</legend>
      ${COLOURS.map(
        (choice) =>
          html`<label class="swatch accent-${choice}">
            <input type="radio" name="colour" value="${choice}" ${choice === colour ? html`checked` : ""} />
            <span>${choice}</span>
          </label>`,
      )}
    </fieldset>
    <div class="buttons">
      <button>Save</button>
      ${isUnsaved ? html`<button class="quiet" name="discard" value="yes">Discard</button>` : ""}
    </div>
  </form>`;
}

/** The notice above a note that was submitted after its writer's session had ended. */
export function unsavedNotice(): Html {
  return noticeBox(
    "warning",
    "This is what you typed before you were logged out. It is not saved yet: save it, or discard it.",
  );
}

/** A note that is too long for this site, as nobody can type it into the form. */
export function notSavedView(form: NoteForm): Html {
  return html`<h1>Not saved</h1>
    <article>${noteForm(form)}</article>`;
}
