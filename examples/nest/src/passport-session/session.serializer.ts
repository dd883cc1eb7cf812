import { Injectable } from "@nestjs/common";
import { PassportSerializer } from "@nestjs/passport";
import { UsersService } from "./users.service.js";
import type { User } from "./users.service.js";

@Injectable()
export class SessionSerializer extends PassportSerializer {
  constructor(private readonly users: UsersService) {
    super();
  }

  serializeUser(user: User, done: (error: unknown, id: number) => void): void {
    done(null, user.id);
  }

  deserializeUser(id: number, done: (error: unknown, user: User | false) => void): void {
    done(null, this.users.find(id) ?? false);
  }
}
