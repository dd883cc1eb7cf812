import type { Answer } from "./browser.ts";
import type { Entries, Tab } from "./trace.ts";

/** What the visitor can notice after a race. */
export interface Outcome {
  readonly answers: Readonly<Record<Tab, Answer>>;
  readonly next: Answer;
}

/** What must be true after a race. */
export interface Claim {
  readonly holds: boolean;
  /** What the library did if it does not hold: "lost the colour". */
  readonly fault: string;
  /** The key that the picture marks. */
  readonly key: string;
}

/** A race: two requests that overlap, and what must be true afterwards. */
export interface Race {
  readonly id: string;
  /** Its row in the README's table; none for messages. */
  readonly number: string | undefined;
  readonly title: string;
  /** The same in the words of a visitor. */
  readonly story: string;
  /** What the visitor does before, one after the other. */
  readonly before: readonly string[];
  readonly tabs: Readonly<Record<Tab, { readonly name: string; readonly handler: string }>>;
  /** Whose turn it is. A request runs until it has to wait, or to its end. */
  readonly schedule: readonly Tab[];
  /** The tab whose request waits on the network first, and whose server then reads an old copy of the session. */
  readonly late?: Tab;
  /** Whether tab B is another browser, with a copy of the cookie. */
  readonly isStolen?: boolean;
  /** The request after the race, which finds out what is left. */
  readonly next: { readonly tab: Tab; readonly handler: string };
  /** What a library did if all claims hold: "kept both". */
  readonly success: string;
  readonly judge: (outcome: Outcome) => readonly Claim[];
  /** What a reader would ask. True of every library, so it says nothing about what happened. */
  readonly remark: string;
}

const tabs = (a: string, b: string): Race["tabs"] => ({
  A: { name: "Tab A", handler: a },
  B: { name: "Tab B", handler: b },
});

/** A claim about what the next page finds in the session. @param mark the key to mark, if it is another. */
function claim({ next }: Outcome, key: string, expected: unknown, fault: string, mark = key): Claim {
  const seen: Entries = JSON.parse(next.text);
  return { key: mark, holds: seen[key] === expected, fault };
}

const look: Race["next"] = { tab: "A", handler: "look" };

/** All races, in the order of the README's table, and that of the messages. */
export const races: readonly Race[] = [
  {
    id: "read-and-write",
    number: "S1",
    title: "One only reads",
    story: "You choose a colour in one tab while the news still loads in the other.",
    before: ["login"],
    tabs: tabs("readNews", "chooseColour"),
    schedule: ["A", "B", "A"],
    next: look,
    success: "kept the colour",
    judge: (outcome) => [claim(outcome, "colour", "blue", "lost the colour")],
    remark: "A page that only reads has nothing to write, unless the library writes the session back anyway.",
  },
  {
    id: "two-keys",
    number: "S2",
    title: "Two tabs, two things",
    story: "You put something in the cart in one tab and choose a colour in the other.",
    before: ["login"],
    tabs: tabs("putInCart", "chooseColour"),
    schedule: ["A", "B", "A"],
    next: look,
    success: "kept both",
    judge: (outcome) => [
      claim(outcome, "cart", "umbrella", "lost the cart"),
      claim(outcome, "colour", "blue", "lost the colour"),
    ],
    remark:
      "A lost update: whoever writes back the whole session as it was read undoes what another request has written meanwhile.",
  },
  {
    id: "counter",
    number: "S3",
    title: "Two clicks, one counter",
    story: "You click “Add one” in two tabs at once.",
    before: ["login"],
    tabs: tabs("addOne", "addOne"),
    schedule: ["A", "B", "B", "A"],
    next: look,
    success: "counted both",
    judge: (outcome) => [claim(outcome, "count", 2, "lost a click")],
    remark:
      "Adding one to what was read loses a click with every library. Coatcheck has update() for it, so here the two sides run different handlers.",
  },
  {
    id: "logout",
    number: "S4",
    title: "A logout, and a slow page",
    story: "You log out in one tab while an article still loads in the other.",
    before: ["login"],
    tabs: tabs("readArticle", "logout"),
    schedule: ["A", "B", "A"],
    next: look,
    success: "stayed logged out",
    judge: (outcome) => [claim(outcome, "user", undefined, "logged you in again")],
    remark:
      "Whoever writes back a whole session brings it to life again if it has ended meanwhile. Logged in, and nobody has typed a password.",
  },
  {
    id: "login",
    number: "S5",
    title: "A login, and a slow page",
    story: "You log in while an article still loads in another tab.",
    before: ["chooseColour"],
    tabs: tabs("readArticle", "login"),
    schedule: ["A", "B", "A"],
    next: look,
    success: "kept you logged in",
    judge: (outcome) => [claim(outcome, "user", "ana", "lost the login", "colour")],
    remark:
      "The browser keeps the cookie that arrives last. If a slow page sends that of the session from before, the login is gone.",
  },
  {
    id: "failing-page",
    number: "S6",
    title: "A page that fails",
    story: "You log in to order, and the page fails before the order is sent.",
    before: [],
    tabs: tabs("order", "look"),
    schedule: ["A", "B", "A"],
    next: look,
    success: "kept only the login",
    judge: (outcome) => [
      claim(outcome, "user", "ana", "lost the login"),
      claim(outcome, "order", undefined, "kept what had failed"),
    ],
    remark:
      "The error page says that it did not work. What the handler had put into the session until then should not say otherwise.",
  },
  {
    id: "stale-copy",
    number: "S7",
    title: "A server with an old copy",
    story: "You log out, and a click from before reaches a server that has not heard of it.",
    before: ["login"],
    tabs: tabs("chooseColour", "logout"),
    schedule: ["A", "B", "A"],
    late: "A",
    next: look,
    success: "stayed logged out",
    judge: (outcome) => [claim(outcome, "user", undefined, "logged you in again")],
    remark:
      "With several servers or with a cache, a request can be given a copy of the session from before the logout.",
  },
  {
    id: "stolen-cookie",
    number: "S8",
    title: "A stolen cookie",
    story: "Somebody has copied your cookie, and uses it after you have logged out.",
    before: ["login"],
    tabs: { A: { name: "You", handler: "logout" }, B: { name: "The thief", handler: "chooseColour" } },
    schedule: ["A", "B"],
    isStolen: true,
    next: { tab: "B", handler: "look" },
    success: "refused the thief",
    judge: (outcome) => [claim(outcome, "user", undefined, "let the thief in")],
    remark:
      "A logout has to end the session on the server. Deleting the cookie in one browser does not stop a copy of it.",
  },
  {
    id: "message",
    number: undefined,
    title: "One message, two tabs",
    story: "“Saved.” waits for the next page, and you open two at once.",
    before: ["login", "saveProfile"],
    tabs: tabs("showMessages", "showMessages"),
    schedule: ["A", "B", "B", "A"],
    next: { tab: "A", handler: "showMessages" },
    success: "showed it once",
    judge({ answers, next }) {
      const times = [answers.A, answers.B, next].filter(({ text }) => text === "Saved.").length;
      const fault = times === 0 ? "lost the message" : "showed it twice";
      return [{ key: "flash", holds: times === 1, fault }];
    },
    remark:
      "express-session has no messages. Its users take connect-flash, which keeps them in the session as these handlers do.",
  },
];
