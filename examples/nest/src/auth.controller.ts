import {
  Body,
  Controller,
  Get,
  Header,
  Post,
  Query,
  Redirect,
  Req,
  UseFilters,
  UseGuards,
} from "@nestjs/common";
import { safeReturnPath } from "coatcheck";
import type { Session } from "coatcheck";
import { escaped, page } from "./page.js";
import { LoginFailedFilter, PasswordGuard } from "./password.js";
import type { User } from "./password.js";
import { CurrentSession } from "./sessions.js";
import type { Data } from "./sessions.js";

@Controller()
export class AuthController {
  @Get("login")
  @Header("content-type", "text/html; charset=utf-8")
  async form(@CurrentSession() session: Session<Data>, @Query("return") back = ""): Promise<string> {
    return page(
      session,
      `<form method="post" action="/login"><input type="hidden" name="return" value="${escaped(back)}" /><input name="name" /><input name="password" type="password" /><button>Log in</button></form>`,
    );
  }

  @Post("login")
  @UseGuards(PasswordGuard)
  @UseFilters(LoginFailedFilter)
  @Redirect()
  async login(
    @CurrentSession() session: Session<Data>,
    @Req() { user }: { user: User },
    @Body() fields: { return?: string },
  ): Promise<{ url: string; statusCode: number }> {
    await session.login(user.name);
    session.flash("You are logged in.", "success");
    return { url: safeReturnPath(fields.return, "/user"), statusCode: 303 };
  }

  @Post("logout")
  @Redirect("/", 303)
  async logout(@CurrentSession() session: Session<Data>): Promise<void> {
    await session.logout();
  }
}
