import { COLOURS } from "../colours.ts";
import { MAX_NOTE_CHARACTERS } from "../users.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";
import { ownerField } from "./owner.ts";
import { moment } from "./wording.ts";

/** What `/user` shows: all of it comes from the session. */
export type UserPage = NoteForm & {
  name: string;
  permanent: boolean;
  expiresAt: Date | undefined;
};

/** The content of the form for a user's note and colour, which may be text that could not be saved. */
export type NoteForm = { owner: string; note: string; colour: string };

/** `/user`. */
export function userView({ name, permanent, expiresAt, ...form }: UserPage): Html {
  return html`<h1>Hello, ${name}!</h1>
    <p class="lead">
      ${
        permanent
          ? html`This browser keeps you logged in until ${moment(expiresAt)}.`
          : "You are logged in until you close the browser, or stay away for a while."
      }
    </p>
    <div class="columns">
      <article>
        <h2>Yours to keep</h2>
        <p class="hint">Saved in the database, and read into the session whenever you log in.</p>
        ${noteForm(form)}
      </article>
      <article>
        <h2>Your account</h2>
        <ul class="links">
          <li><a href="/devices">Devices</a> <small>where you are logged in, and how to end it</small></li>
          <li>
            <a href="/password">Change your password</a> <small>logs out all your other browsers</small>
          </li>
          <li><a href="/inside">Inside the session</a> <small>what the server keeps for you</small></li>
        </ul>
        <form method="post" action="/logout"><button class="quiet">Log out</button></form>
      </article>
    </div>`;
}

/** The form on its own. */
export function noteForm({ owner, note, colour }: NoteForm): Html {
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
    <button>Save</button>
  </form>`;
}

/** A note that was submitted after its writer's session had ended. The form keeps it until the login. */
export function loggedOutView(form: NoteForm): Html {
  return html`<h1>Not saved</h1>
    ${noticeBox(
      "warning",
      html`You are not logged in any more.
        <a href="/login?return=/user" target="_blank">Log in in another tab</a>, then come back here and save.`,
    )}
    <article>${noteForm(form)}</article>`;
}
