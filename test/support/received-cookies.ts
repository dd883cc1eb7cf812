import { createSessions, generateSecret } from "coatcheck";
import type { Cookies } from "coatcheck";
import { exchangesOf } from "coatcheck/adapter";
import { memoryStore } from "coatcheck/memory";

const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });

/** The cookies of a request with this Cookie header, which may hold what no `Request` of this runtime takes. */
export function receivedCookies(header: string): Cookies {
  return exchangesOf(sessions)
    .begin({ method: "GET", header: (name) => (name === "cookie" ? header : undefined) }, [])
    .cookies();
}
