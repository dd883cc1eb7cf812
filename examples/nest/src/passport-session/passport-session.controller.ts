import { Controller, Get, Post, Redirect, Req, Session, UseGuards } from "@nestjs/common";
import type { Request } from "express";
import { AuthenticatedGuard, LocalAuthGuard } from "./guards.js";
import { sessions } from "./sessions.js";
import type { User } from "./users.service.js";

@Controller()
export class PassportSessionController {
  @Get()
  home(@Req() { user }: Request, @Session() session: Record<string, unknown>): string {
    const { message = "" } = session;
    delete session.message;
    return `Hello, ${(user as User | undefined)?.name ?? "stranger"}! ${String(message)}`;
  }

  @Post("login")
  @UseGuards(LocalAuthGuard)
  @Redirect("/", 303)
  login(@Session() session: Record<string, unknown>): void {
    session.message = "You are logged in.";
  }

  @Get("user")
  @UseGuards(AuthenticatedGuard)
  user(@Req() { user }: Request): string {
    return `The page of ${(user as User).name}`;
  }

  @Post("logout")
  @Redirect("/", 303)
  async logout(@Req() request: Request): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      request.logout((error) => (error ? reject(error) : resolve()));
    });
  }

  /** What express-session can't do: ends all sessions of the user. */
  @Post("everywhere")
  @UseGuards(AuthenticatedGuard)
  @Redirect("/", 303)
  async everywhere(@Req() { user }: Request): Promise<void> {
    await sessions.revokeAll(String((user as User).id));
  }
}
