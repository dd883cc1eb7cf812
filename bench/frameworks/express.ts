import { createServer } from "node:http";
import express from "express";
import type { Express, Request, Response } from "express";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

export function expressSite(
  actions: Actions<[Request, Response]>,
  prepare: (app: Express) => unknown = () => {},
): Site {
  const app = express();
  prepare(app);
  app.get("/untouched", (_req, res) => {
    res.send(untouched);
  });
  app.get("/read", async (req, res) => {
    res.send(await actions.read(req, res));
  });
  app.post("/write", async (req, res) => {
    res.send(String(await actions.write(req, res)));
  });
  app.post("/login", async (req, res) => {
    await actions.login(req, res);
    res.send(welcome);
  });
  return siteOf(createServer(app));
}
