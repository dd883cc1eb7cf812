import { Hono } from "hono";
import { page } from "../page.ts";
import type { Parts } from "../parts.ts";
import { coatcheckContender } from "../races/coatcheck.ts";
import type { Contender } from "../races/contender.ts";
import { expressSessionContender, resavingContender } from "../races/express-session.ts";
import { races } from "../races/races.ts";
import type { Race } from "../races/races.ts";
import { runRace } from "../races/run.ts";
import type { Run } from "../races/run.ts";
import { PACES, racesView, raceView } from "../views/races.ts";

/** `/races`: what two requests at once do to a session, with express-session and with Coatcheck. */
export function raceRoutes(parts: Parts, ours: Contender = coatcheckContender): Hono {
  const app = new Hono();
  const running = new Map<string, Promise<Run[]>>();

  /**
   * Runs a race. Whoever asks for one while it runs gets the same run, so that no number of visitors makes more than
   * one of each.
   */
  function runsOf(race: Race, isDefault: boolean): Promise<Run[]> {
    const key = `${race.id} ${isDefault}`;
    const theirs = isDefault ? resavingContender : expressSessionContender;
    let runs = running.get(key);
    if (runs === undefined) {
      runs = Promise.all([runRace(race, theirs), runRace(race, ours)]).finally(() => running.delete(key));
      running.set(key, runs);
    }
    return runs;
  }

  app.get("/races", (c) => page(c, parts, { title: "Races", content: racesView() }));
  for (const race of races) {
    app.get(`/races/${race.id}`, async (c) => {
      const isDefault = c.req.query("resave") === "true";
      const pace = PACES.find((one) => one === c.req.query("pace")) ?? PACES[0];
      const step = Math.max(1, Math.trunc(Number(c.req.query("step"))) || 1);
      const runs = await runsOf(race, isDefault);
      return page(c, parts, { title: race.title, content: raceView({ race, runs, pace, step, isDefault }) });
    });
  }
  return app;
}
