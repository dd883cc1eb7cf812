// A DynamoDB for the tests. dynalite has no transactions, so they are carried out here, before it: one after the other, each
// with one condition at most, as the recipe's have. DYNAMODB_ENDPOINT names another server, which then has to have its own.

import { once } from "node:events";
import { createServer, request } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { load } from "./recipes.ts";

type Operation = Readonly<Record<"Put" | "Delete", object | undefined>>;

/** Starts it on loopback. `loseResponses` says how many of the next transactions are carried out, and their responses lost. */
export async function startDynamodb() {
  const settings = { loseResponses: 0 };
  const external = process.env["DYNAMODB_ENDPOINT"];
  if (external) return { endpoint: external, settings, close: () => {} };
  const { default: dynalite } = await load("dynalite");
  const store: Server = dynalite({ createTableMs: 0 });
  await listen(store);
  const done = new Map<string, { status: number; body: string }>();
  let last: Promise<unknown> = Promise.resolve();
  const front = createServer((incoming, response) => void answer(incoming, response));

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const target = String(incoming.headers["x-amz-target"]);
    if (!target.endsWith(".TransactWriteItems")) {
      const outcome = await send(store, incoming.headers, body);
      response.writeHead(outcome.status, { "content-type": "application/x-amz-json-1.0" }).end(outcome.body);
      return;
    }
    const { ClientRequestToken: token, TransactItems } = JSON.parse(body.toString());
    const turn = last.then(async () => done.get(token) ?? transact(TransactItems));
    last = turn.catch(() => {});
    const outcome = await turn;
    if (outcome.status === 200) done.set(token, outcome);
    if (settings.loseResponses > 0) {
      settings.loseResponses--;
      response.destroy();
      return;
    }
    response.writeHead(outcome.status, { "content-type": "application/x-amz-json-1.0" }).end(outcome.body);
  }

  await listen(front);

  async function transact(items: readonly Operation[]) {
    for (const [at, { Put, Delete }] of items.entries()) {
      const headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `DynamoDB_20120810.${Put ? "PutItem" : "DeleteItem"}`,
        authorization:
          "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=a, Signature=a",
        "x-amz-date": "20260101T000000Z",
      };
      const { status, body } = await send(store, headers, JSON.stringify(Put ?? Delete));
      if (status === 200) continue;
      if (at > 0 || !body.includes("ConditionalCheckFailed")) return { status: 500, body };
      const reasons = items.map((_, index) => ({ Code: index === 0 ? "ConditionalCheckFailed" : "None" }));
      const type = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
      return {
        status: 400,
        body: JSON.stringify({ __type: type, message: "cancelled", CancellationReasons: reasons }),
      };
    }
    return { status: 200, body: "{}" };
  }

  return {
    endpoint: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    settings,
    close() {
      for (const server of [front, store]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

/** Passes a request on to dynalite. */
async function send(store: Server, headers: object, body: Buffer | string) {
  const { port } = store.address() as AddressInfo;
  const sent = request({
    host: "127.0.0.1",
    port,
    method: "POST",
    headers: { ...headers, "content-length": Buffer.byteLength(body) },
  });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 500, body: (await buffer(response)).toString() };
}
