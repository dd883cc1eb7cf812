// An instance of a Lambda function: reads one event a line, and prints one result a line. As on Lambda, nothing runs
// between two invocations if its parent stops it.

import { createInterface } from "node:readline";

const { handler, sweep } = await import("../../examples/serverless/lambda.ts");

console.log(JSON.stringify("ready"));
for await (const line of createInterface({ input: process.stdin })) {
  const event: unknown = JSON.parse(line);
  const result = event === "sweep" ? await sweep() : await handler(event as Parameters<typeof handler>[0]);
  console.log(JSON.stringify(result));
}
