import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { CountingProxy } from "../../bench/counting-proxy.ts";

test("what is asked together is one round trip, and what waits for an answer is another", async (t) => {
  const echo = createServer((socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as AddressInfo;
  const proxy = await CountingProxy.open(`redis://127.0.0.1:${port}`, 6379);
  const socket = createConnection(Number(new URL(proxy.url).port), "127.0.0.1");
  t.after(() => {
    socket.destroy();
    proxy.close();
    echo.close();
  });

  socket.write("one ");
  socket.write("and more");
  await once(socket, "data");
  assert.equal(proxy.take(), 1);
  for (let turn = 0; turn < 3; turn++) {
    socket.write("again");
    await once(socket, "data");
  }
  assert.equal(proxy.take(), 3);
  assert.equal(proxy.take(), 0);
});
