import { join } from "node:path";
import { Example } from "../frameworks/example.ts";

const program = join("node_modules", "next", "dist", "bin", "next");

/** The example, built as for production and served on loopback. */
export const next: Example = new Example({
  name: "next",
  installed: program,
  build: [program, "build"],
  start: [program, "start", "--hostname", "127.0.0.1"],
  output: [".next"],
});

/** What Node is given to serve it while it is developed. */
export const development: readonly string[] = [program, "dev", "--hostname", "127.0.0.1"];

/** The route that the contract's requests go to, beside the example's own. */
export const contractRoute: Readonly<Record<string, string>> = {
  "app/contract/[path]/route.ts": join(import.meta.dirname, "contract-route.ts"),
};
