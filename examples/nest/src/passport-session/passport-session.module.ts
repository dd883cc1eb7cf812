import { Module } from "@nestjs/common";
import { PassportModule } from "@nestjs/passport";
import { PassportSessionController } from "./passport-session.controller.js";
import { LocalStrategy } from "./local.strategy.js";
import { SessionSerializer } from "./session.serializer.js";
import { UsersService } from "./users.service.js";

@Module({
  imports: [PassportModule.register({ session: true })],
  controllers: [PassportSessionController],
  providers: [UsersService, LocalStrategy, SessionSerializer],
})
export class PassportSessionModule {}
