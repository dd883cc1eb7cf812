import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Store } from "coatcheck";
import { createSessions, generateSecret } from "coatcheck";
import { storeContract } from "coatcheck/testing";
import { newId, recordOf } from "../support/records.ts";
import { startDynamodb } from "./dynalite.ts";
import { load, missing, recipe, recipeTests } from "./recipes.ts";

let open: (client?: object) => Store;
let connect: () => {
  middlewareStack: { add(middleware: object, options: object): void };
  send(command: object): Promise<unknown>;
};
let settings = { loseResponses: 0 };
if (missing === false) {
  const { CreateTableCommand, DynamoDBClient } = await load("@aws-sdk/client-dynamodb");
  const { DynamoDBDocumentClient } = await load("@aws-sdk/lib-dynamodb");
  const { dynamodbStore, sessionTable } = await recipe("dynamodb.ts");
  const server = await startDynamodb();
  after(() => server.close());
  ({ settings } = server);
  const credentials = { accessKeyId: "a", secretAccessKey: "a" };
  connect = () => {
    const client = new DynamoDBClient({ endpoint: server.endpoint, region: "us-east-1", credentials });
    after(() => client.destroy());
    return DynamoDBDocumentClient.from(client);
  };
  const shared = connect();
  await shared.send(
    new CreateTableCommand({
      ...sessionTable,
      // What the recipe does without: for the test that shows why.
      GlobalSecondaryIndexes: [
        { IndexName: "late", KeySchema: sessionTable.KeySchema, Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
  open = (client = shared) => dynamodbStore(client);
}

recipeTests("DynamoDB", missing, () => open());

test(
  "a transaction in DynamoDB whose response was lost is repeated, and not carried out twice",
  { skip: missing },
  async () => {
    const store = open();
    const id = newId();
    await store.create(recordOf({ id, subject: "lea" }));
    settings.loseResponses = 1;
    const set = new Map([["d:a", Uint8Array.of(1)]]);
    assert.equal((await store.patch(id, { epoch: 0, set }, Date.now())).kind, "applied");
    assert.equal((await store.read(id, Date.now()))?.revision, 2);
  },
);

test(
  "a login in DynamoDB is ended by another server's revokeAll at once, however many sessions the user has",
  { skip: missing },
  async () => {
    const subject = newId();
    for (let count = 0; count < 150; count++)
      await open().create(recordOf({ id: newId(), subject, verifier: new Uint8Array(32).fill(1) }));
    const secret = generateSecret();
    const [one, other] = [
      createSessions({ secret, store: open() }),
      createSessions({ secret, store: open() }),
    ];
    await one.handle(new Request("https://example.com/"), async (request) => {
      await (await one.of(request)).login(subject);
      return new Response();
    });
    assert.equal((await open().list(subject, Date.now())).length, 151);
    assert.equal(await other.revokeAll(subject), 151);
    assert.deepEqual(await one.list(subject), []);
  },
);

test(
  "a global secondary index for the subjects fails the contract, and can't be read with strong consistency",
  { skip: missing },
  async () => {
    const { QueryCommand } = await load("@aws-sdk/lib-dynamodb");
    const client = connect();
    const query = (pk: string, more = {}) =>
      new QueryCommand({
        TableName: "session",
        IndexName: "late",
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": pk },
        ...more,
      });
    await assert.rejects(client.send(query("subject#lea", { ConsistentRead: true })), /onsistent read/);

    // dynalite updates an index at once. Here it is as it was before the subject's last write, as it may be in DynamoDB.
    const index = new Map<string, unknown>();
    client.middlewareStack.add(
      (next: (args: Sent) => Promise<unknown>) => async (args: Sent) => {
        const {
          ExpressionAttributeValues: values,
          KeyConditionExpression: isQuery,
          TransactItems = [],
        } = args.input;
        const pk = TransactItems[1]?.Put?.Item.pk;
        if (pk !== undefined) index.set(pk, await connect().send(query(pk)));
        if (isQuery === undefined) return next(args);
        return { response: {}, output: index.get(String(values?.[":pk"])) ?? { Items: [] } };
      },
      { step: "initialize", priority: "high" },
    );
    const failed: string[] = [];
    for (const clause of storeContract)
      await clause.check(() => open(client)).catch(() => failed.push(clause.name));
    assert.ok(failed.includes("lists a subject's records and nobody else's"), failed.join("; "));
    assert.ok(
      failed.includes("lists a record under the subject that a patch gave it, and only there"),
      failed.join("; "),
    );
  },
);

/** What a client is given to send: what the test looks at. */
interface Sent {
  readonly input: {
    readonly KeyConditionExpression?: string;
    readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
    readonly TransactItems?: readonly { readonly Put?: { readonly Item: { readonly pk: string } } }[];
  };
}
