import { Injectable } from "@nestjs/common";

export interface User {
  readonly id: number;
  readonly name: string;
}

@Injectable()
export class UsersService {
  // In production: a database with argon2id hashes.
  readonly #users = [{ id: 42, name: "ana", password: "correct horse" }];

  check(name: string, password: string): User | undefined {
    return this.#users.find((user) => user.name === name && user.password === password);
  }

  find(id: number): User | undefined {
    return this.#users.find((user) => user.id === id);
  }
}
