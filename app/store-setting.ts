import { ConfigError } from "coatcheck";

/** Where sessions are kept, as set by STORE. */
export type StoreSetting =
  | { kind: "memory" }
  /** Without a path, `sessions.db` in the data folder. */
  | { kind: "sqlite"; path?: string }
  | { kind: "redis"; url: string; place: string; prefix?: string }
  | { kind: "postgres"; url: string; place: string; schema?: string; table?: string }
  | { kind: "mysql"; url: string; place: string; table?: string };

const WAYS =
  "redis://host:6379, rediss://host:6379, postgres://user@host/database, mysql://user@host/database, sqlite:path or memory:";

/**
 * Parses STORE. Its own parameters are removed from the URL before a client gets it: `prefix` for Redis,
 * `schema` and `table` for PostgreSQL, `table` for MySQL.
 *
 * @throws ConfigError CONFIG_INVALID that never repeats the value, in which there may be a password.
 */
export function storeSetting(text: string | undefined): StoreSetting {
  if (!text) return { kind: "sqlite" };
  if (text === "memory:") return { kind: "memory" };
  const scheme = /^([a-z]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "sqlite") return { kind: "sqlite", path: pathOf(text) };
  if (scheme === "redis" || scheme === "rediss") return redisSetting(text);
  if (scheme === "postgres" || scheme === "postgresql") return postgresSetting(text);
  if (scheme === "mysql" || scheme === "mariadb") return mysqlSetting(text);
  throw invalid(`must be one of: ${WAYS}.`);
}

function pathOf(text: string): string {
  const path = text.slice("sqlite:".length);
  if (path === "" || path.startsWith("//"))
    throw invalid("needs the path of a file, such as sqlite:data/sessions.db.");
  if (path === ":memory:") throw invalid("must be memory: to keep sessions in memory only.");
  return path;
}

function redisSetting(text: string): StoreSetting {
  const url = urlOf(text);
  const [prefix] = take(url, "prefix");
  if (url.hostname === "" || !/^\/?\d*$/.test(url.pathname) || url.search !== "") {
    throw invalid("for Redis looks like redis://user:password@host:6379/0?prefix=shop:");
  }
  return {
    kind: "redis",
    url: url.href,
    place: `Redis at ${url.host}`,
    ...(prefix !== undefined && { prefix }),
  };
}

function postgresSetting(text: string): StoreSetting {
  const url = urlOf(text);
  const [schema, table] = take(url, "schema", "table");
  return {
    kind: "postgres",
    url: url.href,
    place: url.host === "" ? "PostgreSQL" : `PostgreSQL at ${url.host}`,
    ...(schema !== undefined && { schema }),
    ...(table !== undefined && { table }),
  };
}

function mysqlSetting(text: string): StoreSetting {
  const url = urlOf(text);
  const [table] = take(url, "table");
  if (url.hostname === "" || !/^\/[^/]+$/.test(url.pathname)) {
    throw invalid("for MySQL and MariaDB looks like mysql://user:password@host:3306/database?table=session");
  }
  const name = url.protocol === "mariadb:" ? "MariaDB" : "MySQL";
  return {
    kind: "mysql",
    url: url.href,
    place: `${name} at ${url.host}`,
    ...(table !== undefined && { table }),
  };
}

/** Parses a URL that all clients parse alike: an unescaped `/`, `?`, `#` or `@` in a password would split it. */
function urlOf(text: string): URL {
  const fault = invalid(
    "is no valid URL. In a user name or password, letters and digits may stay as they are; write other characters percent-encoded, an @ as %40.",
  );
  if (!URL.canParse(text)) throw fault;
  const url = new URL(text);
  if (url.hash !== "" || `${url.pathname}${url.search}`.includes("@")) throw fault;
  try {
    decodeURIComponent(`${url.username}${url.password}${url.pathname}`);
  } catch {
    throw fault;
  }
  return url;
}

/** Removes parameters from a URL and returns their values, in the given order. */
function take(url: URL, ...names: readonly string[]): (string | undefined)[] {
  const values = names.map((name) => url.searchParams.get(name) ?? undefined);
  for (const name of names) url.searchParams.delete(name);
  return values;
}

function invalid(what: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", `STORE ${what}`);
}
