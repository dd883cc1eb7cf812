import { defineHandler } from "nitro/h3";
import { escaped, page } from "../utils/page.ts";
import { sessions } from "../utils/sessions.ts";

export default defineHandler(async (event) => {
  const session = await sessions.of(event);
  const note = session.get("note");
  const kept = note === undefined ? "" : `<p>Note: ${escaped(note)}</p>`;
  const button = session.loggedIn
    ? `<form method="post" action="/logout"><button>Log out</button></form>`
    : `<a href="/login">Log in</a>`;
  return page(`<h1>Hello, ${session.subject ?? "stranger"}!</h1>${kept}${button}`, session);
});
