// The table of frameworks in docs/frameworks.md, from the examples' packages and from what their tests contain. To write it anew:
// `node --conditions=coatcheck-source test/docs/frameworks-table.ts --write`

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { root } from "./workshop.ts";

interface Framework {
  readonly name: string;
  /** The package whose version is told, and the folder whose package.json has it. Without it no version is told. */
  readonly installed?: readonly [name: string, folder: string];
  /** What a program imports, after `coatcheck/`. Empty for `sessions.handle`. */
  readonly entry: string;
  readonly page: string;
  /** The files that test it. */
  readonly tests: readonly string[];
  /** A column that makes no sense for it. */
  readonly without?: string;
}

const frameworksPage = "docs/frameworks.md";
const common = ["test/contracts/adapters.test.ts", "test/contracts/races-adapters.test.ts"];
const logins = "test/examples/logins.test.ts";

function adapter(
  name: string,
  entry: string,
  installed?: string,
  tests: readonly string[] = [logins],
): Framework {
  const version = installed === undefined ? {} : { installed: [installed, "."] as const };
  return { name, entry, page: frameworksPage, tests: [...common, ...tests], ...version };
}

function example(
  name: string,
  folder: string,
  installed: string,
  entry: string,
  ...tests: string[]
): Framework {
  const own = tests.length === 0 ? [`test/frameworks/${folder}.test.ts`] : tests;
  return {
    name,
    entry,
    installed: [installed, `examples/${folder}`],
    page: `docs/frameworks/${folder}.md`,
    tests: own,
  };
}

export const frameworks: readonly Framework[] = [
  adapter("any `fetch` server", "fetch"),
  adapter("`node:http`, `node:http2`", "node"),
  adapter("connect", "node", "connect", []),
  adapter("Express", "express", "express"),
  adapter("Express", "express", "express4", []),
  adapter("Fastify", "fastify", "fastify"),
  adapter("Koa", "koa", "koa"),
  adapter("Hono", "hono", "hono"),
  adapter("h3", "h3", "h3"),
  {
    ...example("Next.js, App Router and Pages Router", "next", "next", "next"),
    page: "docs/next.md",
    tests: ["test/next/browser.test.ts", "test/next/contract.ts", "test/next/pages-router.test.ts"],
  },
  example("NestJS, on Express and on Fastify", "nest", "@nestjs/core", "nest"),
  example("SvelteKit", "sveltekit", "@sveltejs/kit", "sveltekit"),
  example("React Router, framework mode", "react-router", "react-router", "react-router"),
  example("Astro", "astro", "astro", "astro"),
  example("Nuxt, with Nitro 2", "nuxt", "nuxt", "nitro"),
  example("Nitro", "nitro", "nitro", "nitro"),
  example("TanStack Start", "tanstack-start", "@tanstack/react-start", ""),
  example("SolidStart", "solidstart", "@solidjs/start", ""),
  example("Elysia, on Node and on Bun", "elysia", "elysia", "elysia"),
  example("hapi", "hapi", "@hapi/hapi", "hapi"),
  example("Polka", "polka", "polka", "node"),
  example("tRPC", "trpc", "@trpc/server", "node"),
  example("GraphQL Yoga", "graphql-yoga", "graphql-yoga", "node"),
  {
    name: "AWS Lambda, Vercel and Netlify functions",
    entry: "hono",
    page: "docs/frameworks/serverless.md",
    tests: ["test/serverless/serverless.test.ts"],
  },
  {
    ...adapter("Socket.IO", "node", "socket.io"),
    page: "docs/frameworks/sockets.md",
    without: "handler that fails",
    tests: ["test/examples/long-lived.test.ts", "test/neighbours/sockets.test.ts"],
  },
  {
    ...adapter("ws", "node", "ws"),
    page: "docs/frameworks/sockets.md",
    without: "handler that fails",
    tests: ["test/examples/long-lived.test.ts", "test/attacks/websocket-hijacking.test.ts"],
  },
];

/** What may be tested of a framework, and how its tests show that they do. */
const columns: Readonly<Record<string, RegExp>> = {
  "login and logout":
    /\bwalkTests\(|adapterClauseTests\(|adapterContract|serverless walk|logs in\b|logs people in|whoever is logged in/,
  "handler that fails":
    /\bwalkTests\(|adapterClauseTests\(|adapterContract|serverless walk|if it throws|resolver in it throws/,
  "logout elsewhere":
    /\bwalkTests\(|adapterClauseTests\(|adapterContract|serverless walk|logout from elsewhere|revokeAll\(/,
  contract: /adapterClauseTests\(|adapterContract|[cC]ontractTests\(/,
  browser: /\bbrowserTests\(|startChromium/,
  "development server": /development server|nuxt dev|nitro dev|while developing/,
};

export function frameworksTable(): string {
  const head = ["framework", "import", ...Object.keys(columns)];
  const rows = frameworks.map(({ name, installed, entry, page, tests, without }) => {
    const text = tests.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
    const version = installed === undefined ? "" : ` ${versionOf(...installed)}`;
    const cells = Object.entries(columns).map(([column, shown]) => {
      if (column === without) return "n/a";
      return shown.test(text) ? "yes" : "";
    });
    return [
      `[${name}](${posix.relative(dirname(frameworksPage), page)})${version}`,
      `\`${join("coatcheck", entry)}\``,
    ].concat(cells);
  });
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** `npm:express@4.22.3` is an alias's version. */
function versionOf(name: string, folder: string): string {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
  const range = manifest.dependencies?.[name] ?? manifest.devDependencies?.[name] ?? "";
  const version = /\d+\.\d+\.\d+$/.exec(range)?.[0];
  if (version === undefined) throw new Error(`${folder}/package.json has no exact version of ${name}`);
  return version;
}

const place =
  /(?<=<!-- made by `node --conditions=coatcheck-source test\/docs\/frameworks-table.ts --write` -->\n)[^]*?(?=\n<!-- end -->)/;

/** The table that a page has; `undefined` where it has none. */
export function tableIn(page: string): string | undefined {
  return place.exec(page)?.[0];
}

if (import.meta.main && process.argv.includes("--write")) {
  const file = join(root, frameworksPage);
  const page = readFileSync(file, "utf8");
  writeFileSync(
    file,
    page.replace(place, () => frameworksTable()),
  );
}
