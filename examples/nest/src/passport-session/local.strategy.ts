import { Injectable, UnauthorizedException } from "@nestjs/common";
import { PassportStrategy } from "@nestjs/passport";
import { Strategy } from "passport-local";
import { UsersService } from "./users.service.js";
import type { User } from "./users.service.js";

@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy) {
  constructor(private readonly users: UsersService) {
    super({ usernameField: "name" });
  }

  validate(name: string, password: string): User {
    const user = this.users.check(name, password);
    if (user === undefined) throw new UnauthorizedException();
    return user;
  }
}
