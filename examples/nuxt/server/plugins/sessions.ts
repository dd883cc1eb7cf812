import { nitroSessions } from "coatcheck/nitro";

export default defineNitroPlugin(nitroSessions(sessions));
