// Runs the tests that take minutes, and the short ones in the same files: faults under load, every race on every
// store. `npm run test:long -- postgres` runs those whose path contains the word.

import { argv, env } from "node:process";

env["TEST_LONG"] = "1";
if (argv.length === 2) argv.push("test/faults/", "test/contracts/races", "test/stores/redis-cluster");
argv.push("--no-browser");
await import("./test.ts");
