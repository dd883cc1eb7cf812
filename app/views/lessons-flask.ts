import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** What somebody wants to do, as the tutorials write it with Flask, and as this package does. */
export type Pair = { title: string; flask: string; ours: string; note?: string };

/** In the order of the tutorials. The tests compile both columns. */
export const PAIRS: readonly Pair[] = [
  {
    title: "Set the secret key",
    flask: `app.secret_key = os.environ["SECRET_KEY"]`,
    ours: `const sessions = createSessions<Data>({
  secret: process.env["SESSION_SECRET"],
  store: sqliteStore({ path: "sessions.db" }),
});
app.use(honoSessions(sessions));`,
    note: "A weak key stops the start, and so does a missing one if you call sessions.check(); the error says how to make one. The data is in the store and not in the cookie.",
  },
  {
    title: "Log in",
    flask: `@app.post("/login")
def log_in():
    session["user"] = request.form["name"]
    return redirect(url_for("user"))`,
    ours: `app.post("/login", async (c) => {
  const session = await sessions.of(c);
  await session.login(user.id);
  session.set("user", user.name);
  return c.redirect("/user", 303);
});`,
    note: "A login makes a new ticket, so one that somebody planted in the browser before is worth nothing.",
  },
  {
    title: "Greet by name",
    flask: `return render_template("user.html",
                       user=session["user"])`,
    ours: `return c.html(hello(session.get("user")));`,
    note: "A key that is not there is undefined, and no KeyError.",
  },
  {
    title: "Reach the session from any page",
    flask: `from flask import session`,
    ours: `const session = await sessions.current();`,
    note: "Anywhere below a handler. In a handler, also await sessions.of(c).",
  },
  {
    title: "Ask to log in first",
    flask: `if "user" not in session:
    flash("Please log in.")
    return redirect(url_for("log_in", next=request.path))`,
    ours: `app.get("/user", requireLogin(sessions), (c) => userPage(c));`,
    note: "The path comes along. safeReturnPath checks it before the login leads there.",
  },
  {
    title: "Send on who is logged in already",
    flask: `if "user" in session:
    return redirect(url_for("user"))`,
    ours: `if (session.loggedIn) return c.redirect("/user", 303);`,
  },
  {
    title: "Log out",
    flask: `session.pop("user", None)`,
    ours: `await session.logout();`,
    note: "With Flask, a copy of the old cookie is still logged in. Here it is refused from this moment on.",
  },
  {
    title: "Keep logged in, or not",
    flask: `session.permanent = "keep" in request.form`,
    ours: `session.permanent = form.has("keep");`,
    note: "Without it, the session ends when the browser closes.",
  },
  {
    title: "Say how long it lasts",
    flask: `app.permanent_session_lifetime = timedelta(days=5)`,
    ours: `createSessions({
  secret,
  store,
  permanentLifetime: { days: 5 },
  idleTimeout: { hours: 1 }, // those that are not permanent
});`,
    note: "The server enforces both, whatever the browser sends.",
  },
  {
    title: "Bring back what belongs to the user",
    flask: `found = User.query.filter_by(name=name).first()
session["note"] = found.note`,
    ours: `const found = await users.byName(name);
session.set("note", found.note);`,
  },
  {
    title: "Set",
    flask: `session["name"] = "Ada"
session["message"] = "Good morning"`,
    ours: `session.set("name", "Ada");
session.set("message", "Good morning");`,
  },
  {
    title: "Get",
    flask: `name = session.get("name", "nobody")
is_there = "message" in session`,
    ours: `const name = session.get("name") ?? "nobody";
const isThere = session.has("message");`,
  },
  {
    title: "Delete",
    flask: `session.pop("name", None)
session.clear()`,
    ours: `session.delete("name");
session.clear();`,
    note: "clear removes the data and does not log out.",
  },
  {
    title: "Change something inside",
    flask: `session["cart"].append("hat")
session.modified = True`,
    ours: `session.get("cart")?.push("hat");`,
    note: "Changes inside lists and objects are noticed.",
  },
  {
    title: "Count",
    flask: `session["counter"] = session.get("counter", 0) + 1`,
    ours: `await session.update("counter", (count) => (count ?? 0) + 1);`,
    note: "With Flask, two clicks at once may count once.",
  },
  {
    title: "Protect the session's cookie",
    flask: `app.config.update(
    SESSION_COOKIE_SECURE=True,
    SESSION_COOKIE_SAMESITE="Lax",
)`,
    ours: `// Nothing to do: HttpOnly, Secure and SameSite=Lax
// are the defaults, and the value is opaque.`,
    note: "Flask's cookie can be read by anybody who has it.",
  },
  {
    title: "Set a cookie",
    flask: `response = make_response("The cookie is set.")
response.set_cookie("theme", "dark", max_age=3600)
return response`,
    ours: `cookies.set("theme", "dark", { maxAge: { hours: 1 } });
return c.text("The cookie is set.");`,
  },
  {
    title: "Get a cookie",
    flask: `theme = request.cookies.get("theme")`,
    ours: `const theme = cookies.get("theme");
const total = cookies.signed.get("total");`,
    note: "A signed one that was edited is undefined. A sealed one can't be read by the visitor either.",
  },
  {
    title: "Delete a cookie",
    flask: `response.delete_cookie("theme")`,
    ours: `cookies.delete("theme");`,
  },
  {
    title: "Leave a message",
    flask: `flash("Login successful.", "success")`,
    ours: `session.flash("Login successful.", "success");`,
  },
  {
    title: "Show the messages",
    flask: `for category, message in get_flashed_messages(
    with_categories=True
):
    show(category, message)`,
    ours: `for (const { message, category } of await session.takeFlashes())
  show(category, message);`,
    note: "Of two tabs opened at once, one shows them. A page that fails does not use them up.",
  },
  {
    title: "List and end a user's sessions",
    flask: `# Not there: the server does not know
# which cookies it has handed out.`,
    ours: `await sessions.list(user.id);
await sessions.revoke(id, { subject: user.id });
await sessions.revokeAll(user.id);`,
  },
];

/** `/lessons/flask`. */
export function flaskView(): Html {
  return html`<h1>Coming from Flask</h1>
    <p class="lead">
      What the tutorials write, and what you write here. More is in the documents:
      <a href="/docs/coming-from-flask">Coming from Flask</a>.
    </p>
    <div class="columns pairs-head" aria-hidden="true">
      <span>Flask</span>
      <span>Here</span>
    </div>
    ${PAIRS.map(
      ({ title, flask, ours, note }) =>
        html`<section class="pair">
          <h2>${title}</h2>
          <div class="columns">
            <figure>
              <figcaption>Flask</figcaption>
              <pre><code>${flask}</code></pre>
            </figure>
            <figure>
              <figcaption>Here</figcaption>
              <pre><code>${ours}</code></pre>
            </figure>
          </div>
          ${note === undefined ? "" : html`<p class="hint">${note}</p>`}
        </section>`,
    )}`;
}
