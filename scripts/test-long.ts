// The tests that take minutes, besides the short ones of the same files: faults under load, every race
// on every store. `npm run test:long -- postgres` runs those of which the path holds the word.

import { argv, env } from "node:process";

env["TEST_LONG"] = "1";
if (argv.length === 2) argv.push("test/faults/", "test/contracts/races", "test/stores/redis-cluster");
argv.push("--no-browser");
await import("./test.ts");
