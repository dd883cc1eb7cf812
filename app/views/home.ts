import { html } from "./html.ts";
import type { Html } from "./html.ts";

const CARDS = [
  { path: "/user", title: "Your page", text: "Log in, and be greeted by the name that the session holds." },
  {
    path: "/inside",
    title: "Inside",
    text: "What the server keeps for you, beside what your browser holds.",
  },
  { path: "/session_set", title: "Session", text: "Set, get, delete and clear: as easy as a dictionary." },
  { path: "/counter", title: "Counter", text: "One value, many tabs, and no lost update." },
  { path: "/flash", title: "Messages", text: "Shown once, on the next page, even across redirects." },
  {
    path: "/cookie_set",
    title: "Cookies",
    text: "Plain, signed and sealed, and what happens to an edited one.",
  },
  {
    path: "/devices",
    title: "Devices",
    text: "Every browser you are logged in with, and a button to end it.",
  },
  { path: "/nowhere", title: "Nowhere", text: "A page that does not exist, and still knows who you are." },
];

/** The first page. */
export function homeView(): Html {
  return html`<div class="hero">
      <h1>The visitor carries a ticket. The server keeps the coat.</h1>
      <p class="lead">
        This small site shows how it feels to use sessions, cookies and messages that simply work. Every page
        is a lesson, and everything works without a line of JavaScript in your browser.
      </p>
    </div>
    <ul class="cards">
      ${CARDS.map(
        (card) =>
          html`<li>
            <a class="card" href="${card.path}"><strong>${card.title}</strong><span>${card.text}</span></a>
          </li>`,
      )}
    </ul>`;
}
