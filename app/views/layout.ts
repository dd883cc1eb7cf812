import type { Colour } from "../colours.ts";
import { COURSE, lessonAt } from "../course.ts";
import type { Lesson } from "../course.ts";
import { staticUrl } from "../static.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { messageBox } from "./message.ts";
import { STRIP_SLOT } from "./strip.ts";

/** A message for the visitor, as `takeFlashes` returns it. */
export type Message = { message: string; category: string };

/** Who is logged in. `unknown` if the session was not or could not be loaded, so that the page must not claim either. */
export type Visitor = { name: string; colour: Colour } | "nobody" | "unknown";

/** What the frame of a page shows. */
export type Frame = {
  title: string;
  content: Html;
  messages?: readonly Message[];
  /** What is true as long as the page says so, in the place of the messages. */
  notice?: Html | undefined;
  visitor: Visitor;
  path?: string;
};

/** The frame around every page: the logged-in user, the navigation and the messages. */
export function layout({ title, content, messages = [], notice, visitor, path = "" }: Frame): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Coatcheck</title>
        <meta
          name="description"
          content="Sessions, cookies and flash messages, kept on the server: ten short lessons, and races between two requests, drawn as they ran."
        />
        <link rel="stylesheet" href="${staticUrl("pico.css")}" />
        <link rel="stylesheet" href="${staticUrl("site.css")}" />
        <link rel="icon" type="image/svg+xml" href="${staticUrl("ticket.svg")}" />
      </head>
      <body class="accent-${typeof visitor === "string" ? "green" : visitor.colour}">
        <a class="skip" href="#content">Skip to the content</a>
        <header>
          <div class="bar">
            <a class="brand" href="/">${ticketIcon()}<span>Coatcheck</span></a>
            <nav aria-label="Account">${links(visitor, path)}</nav>
          </div>
          <nav class="lessons" aria-label="Lessons">
            <ol>
              ${COURSE.map(
                (lesson, at) =>
                  html`<li>
                    <a href="${lesson.path}" ${current(lessonAt(path)?.number === at + 1)}
                      ><span class="number">${at + 1}</span> <span class="name">${lesson.name}</span></a
                    >
                  </li>`,
              )}
            </ol>
          </nav>
        </header>
        <main id="content">
          <div class="messages" role="status" aria-label="Messages">
            ${notice ?? ""}${messages.map(messageBox)}
          </div>
          ${content} ${STRIP_SLOT} ${neighbours(path)}
        </main>
        <footer>
          <p>
            Coatcheck, the reference application. Sessions, cookies and messages, kept on the server.
            <a href="/docs/">Docs</a> · <a href="/lessons/flask">Coming from Flask</a>
          </p>
        </footer>
      </body>
    </html>`;
}

function links(visitor: Visitor, path: string): Html {
  if (visitor === "nobody") return guestLinks(path);
  if (visitor !== "unknown") return accountLinks(visitor, path);
  return html`<ul>
    ${docs()}
    <li><a href="/user">Your page</a></li>
  </ul>`;
}

function accountLinks(visitor: { name: string; colour: Colour }, path: string): Html {
  return html`<ul>
    ${docs()}
    <li>
      <a class="who" href="/user" ${current(path === "/user")}>
        <span class="initial" aria-hidden="true">${[...visitor.name][0]?.toUpperCase() ?? "?"}</span
        ><span class="sr-only">Logged in as </span><span class="who-name">${visitor.name}</span></a
      >
    </li>
    <li>
      <form method="post" action="/logout"><button class="quiet small">Log out</button></form>
    </li>
  </ul>`;
}

function guestLinks(path: string): Html {
  return html`<ul>
    ${docs()}
    <li><a href="/login" ${current(path === "/login")}>Log in</a></li>
    <li><a href="/signup" ${current(path === "/signup")}>Sign up</a></li>
  </ul>`;
}

function docs(): Html {
  return html`<li class="docs"><a href="/docs/">Docs</a></li>`;
}

/** The lessons before and after a page that belongs to one. */
function neighbours(path: string): Html | "" {
  const lesson = lessonAt(path);
  if (lesson === undefined) return "";
  const link = (to: Lesson | undefined, rel: "prev" | "next", word: string) =>
    to === undefined
      ? ""
      : html`<li class="${rel}">
          <a href="${to.path}" rel="${rel}"><small>${word}</small> ${to.name}</a>
        </li>`;
  return html`<nav class="neighbours" aria-label="Previous and next lesson">
    <ul>
      ${link(lesson.previous, "prev", "Previous")}
      ${link(lesson.next ?? { path: "/docs/", name: "Docs", about: "", also: [] }, "next", "Next")}
    </ul>
  </nav>`;
}

function current(here: boolean): Html | "" {
  return here ? html`aria-current="page"` : "";
}

function ticketIcon(): Html {
  return html`<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
    <path
      fill="currentColor"
      d="M4 7h24a2 2 0 0 1 2 2v3.5a3.5 3.5 0 0 0 0 7V23a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-3.5a3.5 3.5 0 0 0 0-7V9a2 2 0 0 1 2-2z"
    />
    <path class="cut" stroke-width="1.6" stroke-dasharray="2 2" d="M20.5 8.5v15" />
    <path class="cut" fill="none" stroke-width="2" stroke-linecap="round" d="M9 13h7M9 18.5h5" />
  </svg>`;
}
