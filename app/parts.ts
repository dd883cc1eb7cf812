import type { Duration, Session, Sessions } from "coatcheck";
import type { Colour } from "./colours.ts";
import type { Passwords } from "./passwords.ts";
import type { Throttle } from "./throttle.ts";
import type { Users } from "./users.ts";

/** What this site remembers about a visitor: everything that `session.get` and `set` know. */
export type Remembered = {
  /** The name to greet, from the database, read at login. */
  user: string;
  /** The user's note and colour, likewise. */
  note: string;
  colour: Colour;
  /** The lesson of `/session_set`. */
  name: string;
  message: string;
  /** The lesson of `/counter`. */
  counter: number;
};

/** One request's session, with this site's keys. */
export type Visit = Session<Remembered>;

/** The parts that pages work with. */
export type Parts = {
  sessions: Sessions<Remembered>;
  users: Users;
  passwords: Passwords;
  throttle: Throttle;
  proxies: number;
  permanentLifetime: Duration;
  report: (error: unknown) => void;
};
