// An app of Nest whose one handler is the test's own. It is in the example only while that is built.

// Types are looked at in the repository, where Nest is not.
// @ts-nocheck
import * as common from "@nestjs/common";
import * as core from "@nestjs/core";
import { FastifyAdapter } from "@nestjs/platform-fastify";

/** A filter of the app's own that takes every error, set where it precedes all others. */
class EveryError {
  constructor(statusOf) {
    this.statusOf = statusOf;
  }

  catch(error, context) {
    const response = context.switchToHttp().getResponse();
    if (response.raw === undefined) response.status(this.statusOf(error)).send("failed");
    else response.code(this.statusOf(error)).send("failed");
  }
}
common.Catch()(EveryError);

export async function contractApp(platform, makeParts, answer, statusOf) {
  const { SessionsModule } = makeParts({ ...common, ...core });

  class Everything {
    async handle(request, response) {
      const { status = 200, body = "", headers = {} } = await answer(request.url.split("?")[0], request);
      response.status(status);
      for (const [name, values] of Object.entries(headers)) {
        for (const value of [values].flat()) {
          if (response.append === undefined) response.header(name, value);
          else response.append(name, value);
        }
      }
      return typeof body === "string" ? body : new common.StreamableFile(body);
    }
  }
  common.All(platform === "fastify" ? "*" : "{*path}")(
    Everything.prototype,
    "handle",
    Object.getOwnPropertyDescriptor(Everything.prototype, "handle"),
  );
  common.Req()(Everything.prototype, "handle", 0);
  common.Res({ passthrough: true })(Everything.prototype, "handle", 1);
  common.Controller()(Everything);

  // oxlint-disable-next-line typescript/no-extraneous-class -- modules of Nest are empty classes
  class ContractModule {}
  common.Module({ imports: [SessionsModule], controllers: [Everything] })(ContractModule);

  const options = { logger: false };
  const app =
    platform === "fastify"
      ? await core.NestFactory.create(ContractModule, new FastifyAdapter(), options)
      : await core.NestFactory.create(ContractModule, options);
  app.useGlobalFilters(new EveryError(statusOf));
  await app.init();
  const instance = app.getHttpAdapter().getInstance();
  const close = () => app.close();
  if (platform !== "fastify") return { listener: instance, close };
  await instance.ready();
  return { listener: (request, response) => instance.routing(request, response), close };
}
