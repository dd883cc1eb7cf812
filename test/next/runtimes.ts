/** The runtime in which all tests of the built site run, as the table in docs/runtimes.md names it. */
export const nextOwnRuntime = "Node 24";

/** The runtimes that run `next start` beside it, and how. */
export const nextRuntimes: readonly { readonly name: string; readonly flags: readonly string[] }[] = [
  { name: "Node 22", flags: [] },
  { name: "Node 26", flags: [] },
  { name: "Bun", flags: ["--bun"] },
  { name: "Deno", flags: ["run", "--allow-all", "--node-modules-dir=manual", "--no-lock", "--no-remote"] },
];
