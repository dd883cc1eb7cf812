import { Body, Controller, Get, Header, Post, Redirect, UseGuards } from "@nestjs/common";
import type { Session, Sessions } from "coatcheck";
import { escaped, page } from "./page.js";
import { CurrentSession, InjectSessions, LoginGuard } from "./sessions.js";
import type { Data } from "./sessions.js";

@Controller()
export class SiteController {
  constructor(@InjectSessions() private readonly sessions: Sessions<Data>) {}

  @Get()
  @Header("content-type", "text/html; charset=utf-8")
  async home(@CurrentSession() session: Session<Data>): Promise<string> {
    const note = session.get("note");
    const button = session.loggedIn
      ? `<form method="post" action="/logout"><button>Log out</button></form>`
      : `<a href="/login">Log in</a>`;
    const kept = note === undefined ? "" : `<p>Note: ${escaped(note)}</p>`;
    return page(session, `<h1>Hello, ${session.subject ?? "stranger"}!</h1>${kept}${button}`);
  }

  @Get("about")
  @Header("content-type", "text/html; charset=utf-8")
  about(): string {
    return "<!doctype html><title>Coats</title><h1>About</h1>";
  }

  @Get("user")
  @UseGuards(LoginGuard)
  @Header("content-type", "text/html; charset=utf-8")
  async user(@CurrentSession() session: Session<Data>): Promise<string> {
    return page(session, `<h1>The page of ${session.subject}</h1>`);
  }

  @Post("note")
  @Redirect("/", 303)
  note(@CurrentSession() session: Session<Data>, @Body("note") note = ""): void {
    session.set("note", note);
  }

  @Post("everywhere")
  @Redirect("/", 303)
  async everywhere(@CurrentSession() session: Session<Data>): Promise<void> {
    if (session.subject !== undefined) await this.sessions.revokeAll(session.subject, { except: session.id });
  }
}
