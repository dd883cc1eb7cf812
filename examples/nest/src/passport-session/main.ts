// An app that keeps its logins in express-session, as Nest's pages about Passport and sessions show it, with
// `coatcheck/express-session` in its place. Only this file knows, and the
// handler that ends all sessions of a user.

import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { expressSession } from "coatcheck/express-session";
import passport from "passport";
import { PassportSessionModule } from "./passport-session.module.js";
import { sessions } from "./sessions.js";

const app = await NestFactory.create<NestExpressApplication>(PassportSessionModule);
app.use(
  expressSession(sessions, {
    subject: (data) => data.passport?.user,
    cookie: { maxAge: 24 * 60 * 60 * 1000 },
  }),
);
app.use(passport.session());
await app.listen(process.env.PORT ?? 3000, process.env.HOST ?? "localhost");
