import { Module } from "@nestjs/common";
import { PassportModule } from "@nestjs/passport";
import { AuthController } from "./auth.controller.js";
import { PasswordStrategy } from "./password.js";
import { SessionsModule } from "./sessions.js";
import { SiteController } from "./site.controller.js";

@Module({
  imports: [SessionsModule, PassportModule],
  controllers: [SiteController, AuthController],
  providers: [PasswordStrategy],
})
export class AppModule {}
