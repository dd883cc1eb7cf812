// The adapters in a runtime that is a process, over its `node:http` and `node:http2`. Prints its report as the last line.

import { overHttp, overHttp2 } from "../contracts/servers.ts";
import { runAdapters } from "./adapters.ts";

/** What Bun and Deno say of themselves. */
interface Globals {
  readonly Bun?: { readonly version: string };
  readonly Deno?: { readonly version: { readonly deno: string } };
}

const { Bun, Deno } = globalThis as unknown as Globals;
const runtime = Bun !== undefined ? "Bun" : Deno !== undefined ? "Deno" : "Node";
const version = Bun?.version ?? Deno?.version.deno ?? process.versions.node;
const report = await runAdapters(runtime, version, { "HTTP/1": overHttp, "HTTP/2": overHttp2 });
console.log(JSON.stringify(report));
process.exit(0);
