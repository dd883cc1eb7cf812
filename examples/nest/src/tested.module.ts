// What the tests need beside the app.

import { Module } from "@nestjs/common";
import { AppModule } from "./app.module.js";
import { FailuresController } from "./failures.controller.js";
import { StreamController } from "./stream.controller.js";

@Module({ imports: [AppModule], controllers: [FailuresController, StreamController] })
export class TestedModule {}
