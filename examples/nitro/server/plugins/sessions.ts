import { nitroSessions } from "coatcheck/nitro";
import { sessions } from "../utils/sessions.ts";

export default nitroSessions(sessions);
