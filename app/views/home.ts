import { COURSE } from "../course.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { demoForm } from "./login.ts";

/** The first page. `name` is that of the logged-in user, if any. */
export function homeView(name: string | undefined): Html {
  return html`<div class="hero">
      <h1>The visitor carries a ticket. The server keeps the coat.</h1>
      <p class="lead">
        Ten short lessons on sessions, cookies and messages. Log in with one click and follow them in order:
        each says what to do, and “What this page cost” below it shows what ran on the server, and the same in
        Flask. All of it works without JavaScript in your browser.
      </p>
      <div class="start">
        ${
          name === undefined
            ? html`${demoForm()}<a href="/login">or begin with lesson 1</a>`
            : html`<a href="/session_set" class="button">Go on with lesson 2</a>
                <a href="/user">or to your page, ${name}</a>`
        }
      </div>
    </div>
    <ol class="cards">
      ${COURSE.map(
        ({ path, name: title, about }, at) =>
          html`<li>
            <a class="card" href="${path}"><strong>${at + 1}. ${title}</strong><span>${about}</span></a>
          </li>`,
      )}
      <li>
        <a class="card" href="/lessons/flask"
          ><strong>Coming from Flask</strong><span>What you know, beside what you write here.</span></a
        >
      </li>
      <li>
        <a class="card" href="/nowhere"
          ><strong>Nowhere</strong><span>A page that does not exist, and still knows who you are.</span></a
        >
      </li>
    </ol>`;
}
