/** A supertest agent, or any other of superagent: what `request.agent(app)` returns. */
export interface CookieAgent {
  readonly jar: {
    setCookie(cookie: string, host?: string): unknown;
    getCookies(access: never): unknown;
  };
}

/** For which request a jar is asked for cookies. */
interface CookieAccess {
  readonly secure?: boolean;
}

/** Where the servers of tests listen: supertest starts them on the first. */
export const agentHosts = ["127.0.0.1", "localhost", "[::1]"];

/** The jars that already send Secure cookies over http. */
const changed = new WeakSet<object>();

/**
 * Lets a supertest agent send `Secure` cookies back over plain http, as browsers do for localhost. Without it, an
 * agent that has logged in is logged out at its next request. The app and its cookie stay as they are in production.
 *
 * @returns the agent.
 */
export function sendSecureCookies<Agent extends CookieAgent>(agent: Agent): Agent {
  const jar: { getCookies(access: CookieAccess): unknown } = agent.jar;
  if (changed.has(jar)) return agent;
  changed.add(jar);
  const getCookies = jar.getCookies.bind(jar);
  jar.getCookies = (access) =>
    // The jar also knows an access to all cookies, by the identity of an object without properties.
    getCookies(access.secure === false ? { ...access, secure: true } : access);
  return agent;
}
