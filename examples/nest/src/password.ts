import { Catch, Injectable } from "@nestjs/common";
import type { ArgumentsHost, ExceptionFilter } from "@nestjs/common";
import { UnauthorizedException } from "@nestjs/common";
import { HttpAdapterHost } from "@nestjs/core";
import { AuthGuard, PassportStrategy } from "@nestjs/passport";
import { Strategy } from "passport-local";
import { sessions } from "./sessions.js";

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

/** What passport puts on the request. */
export interface User {
  readonly name: string;
}

@Injectable()
export class PasswordStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ usernameField: "name" });
  }

  validate(name: string, password: string): User | false {
    return users.get(name) === password && { name };
  }
}

export const PasswordGuard = AuthGuard("local");

/** Shows a refused login on the login page. */
@Catch(UnauthorizedException)
export class LoginFailedFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  async catch(_error: UnauthorizedException, context: ArgumentsHost): Promise<void> {
    const http = context.switchToHttp();
    (await sessions.of(http.getRequest())).flash("Login failed.", "error");
    this.host.httpAdapter.redirect(http.getResponse(), 303, "/login");
  }
}
