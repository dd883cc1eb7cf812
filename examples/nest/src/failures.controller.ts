// Handlers that fail, each in another of Nest's ways. Every one sets the note first, and it is not kept.

import {
  Body,
  Catch,
  ConflictException,
  Controller,
  Injectable,
  ParseIntPipe,
  Post,
  UnprocessableEntityException,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from "@nestjs/common";
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
} from "@nestjs/common";
import { HttpAdapterHost } from "@nestjs/core";
import type { Session } from "coatcheck";
import { map, of, throwError } from "rxjs";
import type { Observable } from "rxjs";
import { CurrentSession, sessions } from "./sessions.js";
import type { Data } from "./sessions.js";

interface Fields {
  readonly note: string;
}

async function setNote(context: ExecutionContext): Promise<void> {
  const request = context.switchToHttp().getRequest<{ body: Fields }>();
  (await sessions.of(request)).set("note", request.body.note);
}

/** A filter of the app's own, with a response that looks like success. */
@Catch(ConflictException)
class OwnFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(_error: ConflictException, context: ArgumentsHost): void {
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), "Let us call it a success.", 200);
  }
}

@Injectable()
class NotingGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await setNote(context);
    return true;
  }
}

@Injectable()
class RefusingGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await setNote(context);
    return false;
  }
}

@Injectable()
class FailingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map(() => {
        throw new UnprocessableEntityException();
      }),
    );
  }
}

@Controller()
export class FailuresController {
  @Post("fail")
  fail(@CurrentSession() session: Session<Data>, @Body() { note }: Fields): void {
    session.set("note", note);
    throw new UnprocessableEntityException("The note is not kept.");
  }

  @Post("fail-error")
  failError(@CurrentSession() session: Session<Data>, @Body() { note }: Fields): void {
    session.set("note", note);
    throw new Error("The note is not kept.");
  }

  @Post("fail-observable")
  failObservable(@CurrentSession() session: Session<Data>, @Body() { note }: Fields): Observable<never> {
    session.set("note", note);
    return throwError(() => new UnprocessableEntityException());
  }

  @Post("fail-filter")
  @UseFilters(OwnFilter)
  failFilter(@CurrentSession() session: Session<Data>, @Body() { note }: Fields): void {
    session.set("note", note);
    throw new ConflictException();
  }

  @Post("fail-pipe")
  @UseGuards(NotingGuard)
  failPipe(@Body("number", ParseIntPipe) _number: number): void {}

  @Post("fail-guard")
  @UseGuards(RefusingGuard)
  failGuard(): void {}

  @Post("fail-interceptor")
  @UseInterceptors(FailingInterceptor)
  failInterceptor(@CurrentSession() session: Session<Data>, @Body() { note }: Fields): Observable<string> {
    session.set("note", note);
    return of("fine so far");
  }

  @Post("fail-login")
  async failLogin(@CurrentSession() session: Session<Data>, @Body() { note }: Fields): Promise<void> {
    await session.login("ana");
    session.set("note", note);
    throw new Error("The note is not kept, but the login is.");
  }
}
