import type { Duration, Session, Sessions, Store } from "coatcheck";
import type { Colour } from "./colours.ts";
import type { Passwords } from "./passwords.ts";
import type { Streams } from "./streams.ts";
import type { Throttle } from "./throttle.ts";
import type { Login, Users } from "./users.ts";
import type { VisitorEvents } from "./visitor-events.ts";

/** The data that this site keeps in a session: the keys of `session.get` and `set`. */
export type Remembered = {
  /** The user's name for the greeting, read from the database at login. */
  user: string;
  /** The user's note and colour, also read at login. */
  note: string;
  colour: Colour;
  /** The login before this one, read from the database as well. */
  lastLogin: Login;
  /** The lesson of `/session_set`. */
  name: string;
  message: string;
  /** The lesson of `/counter`. */
  counter: number;
};

/** One request's session, with this site's keys. */
export type Visit = Session<Remembered>;

/** The parts of the site that pages use. */
export type Parts = {
  sessions: Sessions<Remembered>;
  /** The store itself, for the pages that show what it holds or damage it. */
  store: Store;
  events: VisitorEvents;
  streams: Streams;
  now: () => number;
  users: Users;
  passwords: Passwords;
  throttle: Throttle;
  proxies: number;
  permanentLifetime: Duration;
  report: (error: unknown) => void;
};
