// The same app on Express, or on Fastify with PLATFORM=fastify. An app of yours needs one of the two.

import type { INestApplication } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import fastifyCompress from "@fastify/compress";
import compression from "compression";
import { TestedModule } from "./tested.module.js";

export async function createApp(): Promise<INestApplication> {
  if (process.env.PLATFORM === "fastify") {
    const app = await NestFactory.create<NestFastifyApplication>(TestedModule, new FastifyAdapter());
    await app.register(fastifyCompress, { threshold: 0 });
    return app;
  }
  const app = await NestFactory.create<NestExpressApplication>(TestedModule);
  app.use(compression({ threshold: 0 }));
  return app;
}
