/** A group of the sidebar: what a reader wants, and the pages that serve it, by file name in docs. */
export interface Group {
  readonly text: string;
  readonly pages: readonly (readonly [file: string, text: string])[];
}

/** The guides, grouped. Reference and decisions have sidebars of their own. test/docs/site.test.ts finds what is missing. */
export const guides: readonly Group[] = [
  {
    text: "Start",
    pages: [
      ["README.md", "Questions and answers"],
      ["../README.md", "What Coatcheck is"],
      ["comparison.md", "Compared with others"],
      ["quick-start.md", "Quick start"],
      ["values.md", "What a session can hold"],
      ["coming-from-flask.md", "Coming from Flask"],
      ["words.md", "Glossary"],
    ],
  },
  {
    text: "Moving in",
    pages: [
      ["moving-in.md", "Replace express-session"],
      ["coming-from-express-session.md", "express-session handlers"],
      ["adopting-sessions.md", "Keep existing logins"],
    ],
  },
  {
    text: "Using it",
    pages: [
      ["lifecycle.md", "Life of a session, logout"],
      ["options.md", "Options"],
      ["flash.md", "Flash messages"],
      ["cookies.md", "Cookies"],
      ["remember-me.md", "Remember me"],
      ["three-devices.md", "Limit to three devices"],
      ["log-out-everywhere.md", "Log out everywhere"],
      ["fresh-login.md", "Ask for the password again"],
      ["oauth-and-iframes.md", "OAuth, SameSite, iframes"],
      ["background-jobs.md", "Background jobs, sockets"],
      ["testing.md", "Test an app"],
      ["errors.md", "Errors"],
    ],
  },
  {
    text: "Stores",
    pages: [
      ["stores.md", "Choose or write a store"],
      ["databases.md", "Databases"],
      ["stores-postgres.md", "PostgreSQL"],
      ["stores-mysql.md", "MySQL and MariaDB"],
      ["stores-redis.md", "Redis and Valkey"],
      ["stores-upstash.md", "Upstash"],
      ["stores-cloudflare.md", "Cloudflare D1, Durable Objects"],
    ],
  },
  {
    text: "Frameworks",
    pages: [
      ["frameworks.md", "All frameworks"],
      ["next.md", "Next.js"],
      ["frameworks/nest.md", "NestJS"],
      ["frameworks/sveltekit.md", "SvelteKit"],
      ["frameworks/react-router.md", "React Router"],
      ["frameworks/astro.md", "Astro"],
      ["frameworks/nuxt.md", "Nuxt"],
      ["frameworks/nitro.md", "Nitro"],
      ["frameworks/tanstack-start.md", "TanStack Start"],
      ["frameworks/solidstart.md", "SolidStart"],
      ["frameworks/elysia.md", "Elysia"],
      ["frameworks/hapi.md", "hapi"],
      ["frameworks/polka.md", "Polka"],
      ["frameworks/trpc.md", "tRPC"],
      ["frameworks/graphql-yoga.md", "GraphQL Yoga"],
      ["frameworks/sockets.md", "Socket.IO, WebSocket"],
      ["adapters.md", "Write an adapter"],
    ],
  },
  {
    text: "Running it",
    pages: [
      ["security.md", "Security, CSRF"],
      ["behind-a-proxy.md", "Behind nginx or Caddy"],
      ["fleet.md", "Several machines"],
      ["serverless.md", "Serverless and edge"],
      ["frameworks/serverless.md", "Lambda, Vercel, Netlify"],
      ["workers.md", "Cloudflare Workers"],
      ["sizes-and-limits.md", "Sizes and limits"],
      ["privacy.md", "Cookies and privacy"],
      ["hot-reload.md", "Hot reload"],
      ["monorepos.md", "Monorepos"],
      ["runtimes.md", "Node, Bun, Deno, workerd"],
      ["benchmarks.md", "Benchmarks"],
      ["troubleshooting.md", "Troubleshooting"],
    ],
  },
  {
    text: "Reference and project",
    pages: [
      ["reference/README.md", "All names"],
      ["decisions/README.md", "All decisions"],
      ["../CHANGELOG.md", "Changes"],
      ["../CONTRIBUTING.md", "Contributing"],
      ["../SECURITY.md", "Report a vulnerability"],
    ],
  },
];
