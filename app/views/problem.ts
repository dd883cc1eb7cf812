import type { Context } from "hono";
import { cookieNotice } from "../notices.ts";
import { returnPath } from "../return-path.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { layout } from "./layout.ts";

/** `404`, in the usual frame, since the visitor's session still works. */
export function notFoundView(path: string): Html {
  return html`<div class="problem">
    <p class="number" aria-hidden="true">404</p>
    <h1>No such page</h1>
    <p>There is nothing at <code>${path.slice(0, 200)}</code>.</p>
    <p><a href="/">Back to the start</a></p>
  </div>`;
}

/** `405`, in the usual frame: the page exists but does not allow the method. */
export function wrongMethodView(path: string, method: string): Html {
  return html`<div class="problem">
    <p class="number" aria-hidden="true">405</p>
    <h1>Not like this</h1>
    <p>There is a page at <code>${path.slice(0, 200)}</code>, but it does not take <code>${method}</code>.</p>
    <p><a href="/">Back to the start</a></p>
  </div>`;
}

const PROBLEMS = {
  "bad-request": {
    status: 400,
    title: "That did not make sense",
    text: "The form came in a shape that this site does not send.",
  },
  refused: {
    status: 403,
    title: "Not from there",
    text: "This came from a page of another site, or your browser does not say from where. Nothing was changed. If you sent a form of ours, open its page here again.",
  },
  "no-file": {
    status: 404,
    title: "No such file",
    text: "There is nothing at this address.",
  },
  "wrong-method": {
    status: 405,
    title: "Not like this",
    text: "This file can be read, and nothing else.",
  },
  "too-large": {
    status: 413,
    title: "Too much at once",
    text: "What you sent is larger than this site keeps. Nothing was changed.",
  },
  broken: {
    status: 500,
    title: "Something broke",
    text: "It is our fault, and it was written down. What you did last was not saved.",
  },
  busy: {
    status: 503,
    title: "One moment, please",
    text: "Very many people are logging in right now. Please try again in a few seconds.",
  },
  unavailable: {
    status: 503,
    title: "One moment, please",
    text: "The place where sessions are kept does not answer right now. You have not been logged out; please try again in a few seconds.",
  },
} as const;

/**
 * The page for failures. It does not use the session, which may be what is broken, so it does not claim to know
 * who is logged in.
 */
export function problemPage(c: Context, kind: keyof typeof PROBLEMS): Response | Promise<Response> {
  const { status, title, text } = PROBLEMS[kind];
  c.header("Cache-Control", "no-store");
  if (status === 503) c.header("Retry-After", "5");
  const content = html`<div class="problem">
    <p class="number" aria-hidden="true">${status}</p>
    <h1>${title}</h1>
    <p>${text}</p>
    ${status === 503 ? tryAgain(c) : ""}
    <p><a href="/">To the start</a></p>
  </div>`;
  return c.html(layout({ title, content, notice: cookieNotice(c), visitor: "unknown" }), status);
}

/** A link to the same address. A form can't be sent again by a link, since its fields are not kept here. */
function tryAgain(c: Context): Html {
  const { pathname, search } = new URL(c.req.url);
  const path = returnPath(pathname + search) ?? "/";
  if (c.req.method === "GET" || c.req.method === "HEAD")
    return html`<p><a href="${path}" class="button">Try again</a></p>`;
  return html`<p>
      What you sent was not taken. Your browser's Back button brings back what you typed; send it from there.
    </p>
    <p><a href="${path}" class="button">Back to the form</a></p>`;
}
