import { plainServerError } from "../http/default-responses.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { nodeSessions } from "./node.ts";
import type { NodeSessionsOptions } from "./node.ts";

/** A request of Nest: that of Express is Node's own, that of Fastify has it as `raw`. */
export type NestRequest = NodeRequest & { readonly raw?: NodeRequest };

/** A response of Nest, in the same way. `header` is the name that both frameworks share. */
export type NestResponse = NodeResponse & {
  readonly raw?: NodeResponse;
  header(name: string, value: string): unknown;
};

/** The part of Nest's `ArgumentsHost` that this adapter uses. */
export interface NestArgumentsHost {
  getType(): string;
  switchToHttp(): { getRequest(): NestRequest; getResponse(): NestResponse };
}

/** The part of rxjs' `Observable` that this adapter uses. */
interface NestObservable {
  readonly constructor: new (subscribe: (subscriber: NestObserver) => unknown) => NestObservable;
  subscribe(observer: NestObserver): unknown;
}

/** The part of rxjs' `Observer` that this adapter uses. */
interface NestObserver {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

/** The functions of Nest that {@link nestSessions} is given: `{ ...common, ...core }` has them all. */
export interface NestFunctions {
  /** From `@nestjs/common`. */
  readonly Catch: (...exceptions: (new (...args: unknown[]) => object)[]) => ClassDecorator;
  /** From `@nestjs/common`. */
  readonly HttpException: new (response: string, status: number) => Error;
  /** From `@nestjs/common`. */
  readonly Inject: (token: symbol | NestToken) => ParameterDecorator & PropertyDecorator;
  /** From `@nestjs/common`. */
  readonly createParamDecorator: (
    factory: (data: unknown, context: NestArgumentsHost) => unknown,
  ) => () => ParameterDecorator;
  /** From `@nestjs/core`. */
  readonly HttpAdapterHost: NestToken;
  /** From `@nestjs/core`. */
  readonly APP_FILTER: string;
  /** From `@nestjs/core`. */
  readonly APP_INTERCEPTOR: string;
}

/** A class that stands for what Nest injects. */
export type NestToken = abstract new (...args: never) => object;

/** The options of {@link nestSessions}. The requests and responses are those of Node, on Fastify too. */
export interface NestSessionsOptions
  extends NodeSessionsOptions<NodeRequest, NodeResponse>, LoginRedirectOptions {}

/** What {@link nestSessions} returns. */
export interface NestSessions {
  /**
   * The module: put it into the `imports` of the app's root module. It puts the sessions in front of every request,
   * notes which handlers fail, and closes the store when the app is closed.
   */
  readonly SessionsModule: NestDynamicModule;
  /** Parameter decorator: `@CurrentSession() session: Session<Data>` is the session of the request. */
  readonly CurrentSession: () => ParameterDecorator;
  /** Parameter and property decorator: `@InjectSessions() sessions: Sessions<Data>` is the `sessions` object. */
  readonly InjectSessions: () => ParameterDecorator & PropertyDecorator;
  /**
   * Guard that requires a login: `@UseGuards(LoginGuard)`. Other people are sent to the login page and then back;
   * programs get 401. Both are thrown as an `HttpException` with that status.
   */
  readonly LoginGuard: new () => { canActivate(context: NestArgumentsHost): Promise<boolean> };
}

/** A module of Nest that is made when the app starts. */
export interface NestDynamicModule {
  readonly module: new (...args: never[]) => object;
  readonly global: boolean;
  readonly providers: { readonly provide: string | symbol; readonly useValue: object }[];
  readonly exports: symbol[];
}

type Done = (error?: unknown) => void;
type Hook = (request: NestRequest, response: NestResponse, done: Done) => unknown;

/** The part of Nest's `HttpAdapterHost` that this adapter uses. */
interface AdapterHost {
  readonly httpAdapter: { setOnRequestHook(hook: Hook): void; readonly onRequestHook?: Hook };
}

/**
 * Makes the parts of a Nest 12 app that give it sessions, on Express and on Fastify. Call it once:
 * `nestSessions(sessions, { ...common, ...core })`, with all that `@nestjs/common` and `@nestjs/core` export.
 * No byte of a response is sent before the handler's changes are in the store. Requests from other sites that could
 * change something are refused with 403.
 *
 * A handler fails if it, a pipe or an interceptor of a controller throws, whatever the status of the response and
 * whichever filter makes it; if its response has status 500 or above; or if a guard or a middleware throws and no
 * filter of a controller or of `app.useGlobalFilters()` catches it.
 */
export function nestSessions<Data extends object>(
  sessions: Sessions<Data>,
  nest: NestFunctions,
  options: NestSessionsOptions = {},
): NestSessions {
  const token = Symbol("sessions");
  /** The errors of LoginGuard, which are not failures. */
  const refusals = new WeakSet<Error>();
  const fail = (error: unknown, request?: object): void => {
    if (!(error instanceof Error && refusals.has(error))) sessions.fail(error, request);
  };

  class SessionsModule {
    readonly #host: AdapterHost;

    constructor(host: AdapterHost) {
      this.#host = host;
    }

    /** Nest calls it when the app is initialized, so a test without the app's `main.ts` has sessions, too. */
    configure(): void {
      const { httpAdapter } = this.#host;
      // There is room for one hook. It is the only one that runs before Nest's own middleware on Fastify.
      const { onRequestHook: other } = httpAdapter;
      const begin = requestHook(sessions, options);
      httpAdapter.setOnRequestHook(
        other === undefined
          ? begin
          : (request, response, done) =>
              other.call(httpAdapter, request, response, (error) => {
                if (error === undefined) begin(request, response, done);
                else done(error);
              }),
      );
    }

    /** Called after the last response, by `app.close()` or a signal after `app.enableShutdownHooks()`. */
    async onApplicationShutdown(): Promise<void> {
      await sessions.close();
    }
  }
  nest.Inject(nest.HttpAdapterHost)(SessionsModule, undefined, 0);

  class LoginGuard {
    async canActivate(context: NestArgumentsHost): Promise<boolean> {
      const http = context.switchToHttp();
      const request = http.getRequest();
      if ((await sessions.of(request)).loggedIn) return true;
      const target = request.originalUrl ?? request.url ?? "/";
      const { status, headers } = loginRedirect(new NodeRequestLike(request.raw ?? request), target, options);
      for (const [name, value] of Object.entries(headers)) http.getResponse().header(name, value);
      const refusal = new nest.HttpException("Log in first.", status);
      refusals.add(refusal);
      throw refusal;
    }
  }

  const interceptor = {
    intercept(context: NestArgumentsHost, next: { handle(): NestObservable }): NestObservable {
      return withErrorListener(next.handle(), (error) => fail(error, requestOf(context)));
    },
  };

  return {
    SessionsModule: {
      module: SessionsModule,
      global: true,
      providers: [
        { provide: token, useValue: sessions },
        { provide: nest.APP_INTERCEPTOR, useValue: interceptor },
        { provide: nest.APP_FILTER, useValue: seeingFilter(nest, fail) },
      ],
      exports: [token],
    },
    CurrentSession: nest.createParamDecorator(async (_, context) =>
      sessions.of(context.switchToHttp().getRequest()),
    ),
    InjectSessions: () => nest.Inject(token),
    LoginGuard,
  };
}

/** Begins the exchange of each request, whichever the platform. */
function requestHook<Data extends object>(sessions: Sessions<Data>, options: NestSessionsOptions): Hook {
  const begin = nodeSessions<Data, NodeRequest, NodeResponse>(sessions, options);
  return (request, response, done) => {
    let isHandled = false;
    const raw = response.raw ?? response;
    begin(request.raw ?? request, raw, (error) => {
      if (!isHandled) {
        isHandled = true;
        done(error);
        return;
      }
      // The commit failed. Nest lets a hook continue only once, so its filters can't respond.
      // oxlint-disable-next-line no-console -- what every server does with an unhandled error
      console.error(error);
      sendPlain(raw, plainServerError);
    });
  };
}

/** An observable that also tells a listener about an error. All of rxjs' own have its constructor. */
function withErrorListener(source: NestObservable, listener: (error: unknown) => void): NestObservable {
  return new source.constructor((subscriber) =>
    source.subscribe({
      next: (value) => subscriber.next(value),
      error(error) {
        listener(error);
        subscriber.error(error);
      },
      complete: () => subscriber.complete(),
    }),
  );
}

/**
 * A global filter that catches nothing, so the app's filters and Nest's own make the response. It is asked whether it
 * catches an error before the filters that the app's modules provide, and sees the error then. A filter that caught it
 * would have to make the response of every app.
 */
function seeingFilter({ Catch }: NestFunctions, listener: (error: unknown) => void): object {
  // oxlint-disable-next-line typescript/no-extraneous-class -- Nest asks `error instanceof Seen`
  class Seen {
    static [Symbol.hasInstance](error: unknown): boolean {
      listener(error);
      return false;
    }
  }
  class SeeingFilter {
    /** Every filter has it; this one is never called. */
    catch(): void {}
  }
  Catch(Seen)(SeeingFilter);
  return new SeeingFilter();
}

/** The request of a handler for HTTP. Otherwise the current request, if there is one. */
function requestOf(context: NestArgumentsHost): object | undefined {
  return context.getType() === "http" ? context.switchToHttp().getRequest() : undefined;
}
