// The same app with Coatcheck. Whoever was logged in stays logged in.

import { createSessions } from "coatcheck";
import { connectRedis, fromExpressSession } from "coatcheck/adopt";
import { expressErrors } from "coatcheck/express";
import { expressSession } from "coatcheck/express-session";
import { redisStore } from "coatcheck/redis";
import express from "express";
import passport from "passport";
import { Strategy } from "passport-local";
import { createClient } from "redis";

const options = { url: process.env.REDIS_URL, disableOfflineQueue: true };
export const client = await createClient(options).connect();

export const sessions = createSessions({
  secret: process.env.SESSION_SECRET,
  store: redisStore({ client }),
  adopt: [
    fromExpressSession({
      secret: process.env.OLD_SESSION_SECRET,
      store: connectRedis({ client }),
      until: new Date(Date.now() + 30 * 24 * 60 * 60 * 1000), // a fixed date in your program
      take: (old) => ({
        subject: old.passport?.user,
        data: { passport: old.passport, views: old.views },
        permanent: true,
      }),
    }),
  ],
});

const users = new Map([["42", { id: "42", name: "ana", password: "correct horse" }]]);
const auth = new passport.Passport();
auth.serializeUser((user, done) => done(null, user.id));
auth.deserializeUser((id, done) => done(null, users.get(id) ?? false));
auth.use(
  new Strategy((name, password, done) => {
    const user = [...users.values()].find((one) => one.name === name && one.password === password);
    done(null, user ?? false);
  }),
);

export const app = express();
app.use(
  expressSession(sessions, {
    subject: (data) => data.passport?.user,
    cookie: { maxAge: 24 * 60 * 60 * 1000 },
  }),
);
app.use(auth.session());
app.use(express.urlencoded({ extended: false }));

app.get("/", (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  res.send(`Hello, ${req.user?.name ?? "stranger"}! Visit ${req.session.views}.`);
});
app.post("/login", auth.authenticate("local", { successRedirect: "/", keepSessionInfo: true }));
app.post("/logout", (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.redirect("/")));
});
app.use(expressErrors(sessions)); // so that a handler that throws keeps nothing, whatever the status
