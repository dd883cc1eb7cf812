// Fills an SQLite file with sessions: `node bench/coatcheck/fill.ts <path> <count> <keep>`.
// Prints the cookies of an evenly spread sample as JSON.

import { createSessions } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import { secret, user } from "../site.ts";
import type { Data } from "./sessions.ts";

const [path = "", count = 0, keep = 0] = process.argv
  .slice(2)
  .map((word, at) => (at === 0 ? word : Number(word)));
const sessions = createSessions<Data>({ secret, store: sqliteStore({ path: String(path) }) });
const every = Math.floor(Number(count) / Number(keep));
const cookies: string[] = [];
for (let at = 0; at < Number(count); at++) {
  const response = await sessions.handle(new Request("http://127.0.0.1/"), async (request) => {
    const session = await sessions.of(request);
    await session.login(String(at));
    session.set("user", user);
    return new Response();
  });
  const [pair = ""] = (response.headers.getSetCookie()[0] ?? "").split(";");
  if (at % every === 0) cookies.push(pair);
}
await sessions.close();
console.log(JSON.stringify(cookies));
