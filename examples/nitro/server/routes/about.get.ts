import { defineHandler } from "nitro/h3";
import { page } from "../utils/page.ts";

export default defineHandler(() => page("<h1>About</h1>"));
