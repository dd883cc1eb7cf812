import { fastify } from "fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { untouched, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

export async function fastifySite(
  actions: Actions<[FastifyRequest, FastifyReply]>,
  prepare: (app: FastifyInstance) => unknown = () => {},
): Promise<Site> {
  const app = fastify();
  await prepare(app);
  app.get("/untouched", async () => untouched);
  app.get("/read", async (request, reply) => actions.read(request, reply));
  app.post("/write", async (request, reply) => String(await actions.write(request, reply)));
  app.post("/login", async (request, reply) => {
    await actions.login(request, reply);
    return welcome;
  });
  return { listen: async () => Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port) };
}
