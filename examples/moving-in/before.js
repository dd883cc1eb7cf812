// An app as many are: Express, Passport, sessions of express-session in Redis.

import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import passport from "passport";
import { Strategy } from "passport-local";
import { createClient } from "redis";

export const client = await createClient({ url: process.env.REDIS_URL }).connect();

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
  session({
    secret: process.env.OLD_SESSION_SECRET,
    store: new RedisStore({ client }),
    resave: false,
    saveUninitialized: false,
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
