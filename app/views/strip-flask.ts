/** A page's lesson in Flask, and the document that says more. */
export type FlaskLesson = { code: string; docs: string; title: string };

const SESSIONS = { docs: "coming-from-flask", title: "Coming from Flask" };
const LIFE = { docs: "lifecycle", title: "Life of a session" };
const MESSAGES = { docs: "flash", title: "Messages" };
const COOKIES = { docs: "cookies", title: "Cookies" };
const SECURITY = { docs: "security", title: "Security" };

const LOGIN = `@app.post("/login")
def login():
    user = check_password(request.form["name"], request.form["password"])
    if user is None:
        flash("Login failed", "error")
        return redirect(url_for("login"))
    session.clear()            # or what a stranger planted stays
    session["user_id"] = user.id
    session["user"] = user.name
    session.permanent = "keep" in request.form
    flash("Login successful", "success")
    return redirect(url_for("user"))

# Flask sends the data itself, in the cookie: signed, and
# readable for everybody who has the cookie.`;

const SESSION = `session["name"] = request.form["name"]
session["message"] = request.form["message"]

session.get("name")        # or None

session.pop("name", None)  # one key
session.clear()            # everything, the login included

# The last response wins: of two requests at the same time,
# one overwrites what the other has set.`;

const COOKIE = `response.set_cookie("plain", value, max_age=timedelta(days=7))

signer = URLSafeTimedSerializer(app.secret_key, salt="signed")
response.set_cookie("signed", signer.dumps(value))

request.cookies.get("plain")
try:
    signer.loads(request.cookies["signed"], max_age=604800)
except BadSignature:
    ...                     # somebody edited it

response.delete_cookie("plain")

# Flask has no sealed cookies; secure, httponly and samesite
# are arguments of every set_cookie.`;

/** By the page's address. */
export const FLASK: ReadonlyMap<string, FlaskLesson> = new Map([
  [
    "/",
    {
      ...SESSIONS,
      code: `@app.get("/")
def home():
    return render_template("home.html")

# In the template, session["user"] is the name in the header.`,
    },
  ],
  ["/login", { ...LIFE, code: LOGIN }],
  ["/signup", { ...LIFE, code: LOGIN.replace("/login", "/signup").replace("check_password", "create_user") }],
  [
    "/logout",
    {
      ...LIFE,
      code: `@app.post("/logout")
def logout():
    session.clear()
    flash("You are logged out", "success")
    return redirect(url_for("login"))

# Whoever has copied the old cookie is still logged in: the
# server keeps no list of what it has signed.`,
    },
  ],
  [
    "/user",
    {
      ...SESSIONS,
      code: `@app.get("/user")
def user():
    if "user_id" not in session:
        flash("Please log in", "info")
        return redirect(url_for("login", next=request.path))
    return render_template("user.html", name=session["user"])`,
    },
  ],
  [
    "/password",
    {
      ...SECURITY,
      code: `user.set_password(request.form["next"])
db.session.commit()

# The other browsers stay logged in, unless you keep a
# counter with the user, write it into each session at the
# login, and compare it in every request.`,
    },
  ],
  [
    "/devices",
    {
      ...LIFE,
      code: `# Flask's session is in the cookie, so there is no list of
# a user's browsers and nothing to end. With Flask-Session
# the data is on the server, but not by user: the list is a
# table of your own, kept in step by hand.`,
    },
  ],
  ...["/session_set", "/session_get", "/session_delete"].map((path): [string, FlaskLesson] => [
    path,
    { ...SESSIONS, code: SESSION },
  ]),
  [
    "/counter",
    {
      docs: "values",
      title: "Values",
      code: `session["counter"] = session.get("counter", 0) + 1

# Two tabs at the same time both read 3 and both send 4:
# one click is lost. To count right, count in a database.`,
    },
  ],
  [
    "/flash",
    {
      ...MESSAGES,
      code: `flash("First: this went well.", "success")
flash("Second: this is good to know.", "info")

# in the template of every page
{% for category, message in
       get_flashed_messages(with_categories=true) %}
  <p class="{{ category }}">{{ message }}</p>
{% endfor %}

# Two tabs at once may both show them, or lose one.`,
    },
  ],
  ...["/cookie_set", "/cookies_get", "/cookies_delete"].map((path): [string, FlaskLesson] => [
    path,
    { ...COOKIES, code: COOKIE },
  ]),
  ...["/inside", "/inside/disk"].map((path): [string, FlaskLesson] => [
    path,
    {
      ...SECURITY,
      code: `# All of it is in the cookie, for whoever holds it:
from base64 import urlsafe_b64decode
urlsafe_b64decode(cookie.split(".")[0] + "==")
# b'{"note":"Good morning","user":"leo"}'

# The server has nothing to show: it keeps nothing.`,
    },
  ]),
  [
    "/break",
    {
      docs: "troubleshooting",
      title: "Troubleshooting",
      code: `# An edited cookie: the signature fails, the session is empty.
# An old one, replayed: accepted until it is 31 days old,
#   whether or not you logged out in between.
# Let it expire now: not for one visitor; a new SECRET_KEY
#   ends everybody's session.
# The store away: there is none to lose.
# Events: none; write your own log lines.`,
    },
  ],
  [
    "/two-browsers",
    {
      docs: "frameworks/sockets",
      title: "Sockets and event streams",
      code: `@app.get("/line")
def line():
    def events():
        while True:
            yield ": still here\\n\\n"
            time.sleep(5)
    return Response(events(), mimetype="text/event-stream")

# The stream goes on after the logout: nothing tells it.
# A table of sessions of your own would have to be asked
# in every round of the loop.`,
    },
  ],
]);
