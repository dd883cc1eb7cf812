// Sessions in DynamoDB: `npm install @aws-sdk/client-dynamodb @aws-sdk/lib-dynamodb`.

import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { GetCommand, paginateQuery, paginateScan, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import type { DynamoDBDocumentClient, TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import { casStore } from "coatcheck/store";
import type { CasRow } from "coatcheck/store";

/** For `CreateTableCommand`, or the tool that makes your tables. Turn on time to live for the attribute `ttl`. */
export const sessionTable = {
  TableName: "session",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "sk", AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
} satisfies CreateTableCommandInput;

export function dynamodbStore(client: DynamoDBDocumentClient, TableName = sessionTable.TableName) {
  const sessionKey = (id: string) => ({ pk: `session#${id}`, sk: "session" });
  /** The key of a second item for each session of a subject, without which `bySubject` would need an index. */
  const subjectKey = (subject: string, id: string) => ({ pk: `subject#${subject}`, sk: id });

  async function get(id: string): Promise<CasRow | undefined> {
    const read = new GetCommand({ TableName, Key: sessionKey(id), ConsistentRead: true });
    return (await client.send(read)).Item as CasRow | undefined;
  }

  /** Writes all items or none. Returns `false` if a condition does not hold, or another transaction is writing the same items. */
  async function transact(TransactItems: Transaction, abortSignal?: AbortSignal): Promise<boolean> {
    try {
      // The SDK sends a token with it, so a transaction that it repeats because the response was lost is not carried out twice.
      await client.send(new TransactWriteCommand({ TransactItems }), { abortSignal });
      return true;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = error.CancellationReasons?.map(({ Code }) => Code) ?? [];
      if (codes.some((code) => code === "ConditionalCheckFailed" || code === "TransactionConflict"))
        return false;
      throw error;
    }
  }

  /** Writes a session, and if `isMoved` the item of its subject. The item of the subject before does no harm until it expires. */
  async function put(row: CasRow, condition: Condition, timeout: number, isMoved: boolean): Promise<boolean> {
    // Time to live goes by the clock of DynamoDB: a day later, in case the clocks of your servers are behind.
    const ttl = Math.ceil(row.expiresAt / 1000) + 86_400;
    const items: Transaction = [
      { Put: { TableName, Item: { ...row, ...sessionKey(row.id), ttl }, ...condition } },
    ];
    if (row.subject !== null && isMoved) {
      items.push({ Put: { TableName, Item: { ...subjectKey(row.subject, row.id), ttl } } });
    }
    return transact(items, AbortSignal.timeout(timeout));
  }

  return casStore({
    name: "dynamodb",

    insert: async (row, timeout) =>
      put(row, { ConditionExpression: "attribute_not_exists(pk)" }, timeout, true),

    get,

    replaceIf: async (row, revision, timeout, isMoved) => put(row, isStill(revision), timeout, isMoved),

    async bySubject(subject) {
      const query = { TableName, ConsistentRead: true, KeyConditionExpression: "pk = :pk" };
      const values = { ":pk": subjectKey(subject, "").pk };
      const rows: (CasRow | undefined)[] = [];
      for await (const { Items = [] } of paginateQuery(
        { client },
        { ...query, ExpressionAttributeValues: values },
      )) {
        rows.push(...(await Promise.all(Items.map(async ({ sk }) => get(sk)))));
      }
      return rows.filter((row) => row !== undefined);
    },

    async sweep(now, limit) {
      // This reads the whole table. With time to live, set `sweepInterval: false`, and it is never called.
      const scan = { TableName, FilterExpression: "sk = :sk AND expiresAt <= :now" };
      const values = { ":sk": "session", ":now": now };
      let deleted = 0;
      for await (const { Items = [] } of paginateScan(
        { client },
        { ...scan, ExpressionAttributeValues: values },
      )) {
        for (const { id, revision, subject } of Items as CasRow[]) {
          if (deleted === limit) return deleted;
          const items: Transaction = [{ Delete: { TableName, Key: sessionKey(id), ...isStill(revision) } }];
          if (subject !== null) items.push({ Delete: { TableName, Key: subjectKey(subject, id) } });
          if (await transact(items)) deleted++;
        }
      }
      return deleted;
    },
  });
}

type Transaction = NonNullable<TransactWriteCommandInput["TransactItems"]>;
type Condition = Pick<
  NonNullable<Transaction[number]["Put"]>,
  "ConditionExpression" | "ExpressionAttributeValues"
>;

function isStill(revision: number): Condition {
  return {
    ConditionExpression: "revision = :revision",
    ExpressionAttributeValues: { ":revision": revision },
  };
}
