import { MisuseError } from "../errors.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import { fieldName } from "../services/field-codec.ts";
import type { RecordHandle } from "./record-handle.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { SessionRecord } from "../record/record.ts";
import type { SessionData } from "./data.ts";
import { lifetimeOf } from "../services/timeouts.ts";

/** The parameters of a login. */
export interface Login {
  readonly subject: string;
  /** The data keys to keep from an anonymous session. */
  readonly keep: readonly string[];
  /** Whether the session outlives the browser; `undefined` if the request has not set it. */
  readonly permanent: boolean | undefined;
  /** As for `lifetimeOf`. */
  readonly ownLifetime: number | undefined;
  readonly agent: string;
}

/**
 * @throws MisuseError SUBJECT_INVALID unless it is a well-formed string of 1 to 255 characters without control
 *   characters.
 */
export function checkedSubject(subject: unknown): string {
  if (
    typeof subject === "string" &&
    subject !== "" &&
    subject.length <= 255 &&
    subject.isWellFormed() &&
    !/\p{Cc}/u.test(subject)
  ) {
    return subject;
  }
  const hint = typeof subject === "number" || typeof subject === "bigint" ? " Use String(id)." : "";
  throw new MisuseError(
    "SUBJECT_INVALID",
    `A subject must be a string of 1 to 255 characters without control characters.${hint}`,
  );
}

/** Binds the session to a subject: in its record, under a new epoch and ticket, or in a new record if there is none. */
export function login(
  services: Services,
  handle: RecordHandle,
  data: SessionData,
  to: Login,
): MaybePromise<void> {
  return handle.enqueue(() => bind(services, handle, data, to));
}

async function bind(services: Services, handle: RecordHandle, data: SessionData, to: Login): Promise<void> {
  const agent = JSON.stringify(to.agent);
  const retired = handle.hasClient ? handle.retireOldCookies() : undefined;
  if (retired !== undefined) await retired;
  const record = handle.current;
  if (record === null || !handle.hasClient || !(await takeOver(services, handle, data, record, to, agent))) {
    // There is no record, or it ended or another request logged in while this one ran. An explicit login always
    // gets its own record.
    await handle.create(
      { subject: to.subject, permanent: to.permanent, ownLifetime: to.ownLifetime },
      new Map([[fieldName.agent, agent]]),
    );
    await noteSuccession(services, handle, record);
  }
  if (handle.hasClient)
    services.events.emit({ type: "login", id: handle.current?.id ?? "", subject: to.subject });
}

/**
 * Call it after a login in a new record. The request's ticket was replaced, or its session ended, while other
 * requests of this browser were running. Their responses may arrive late and must not replace the login's cookie,
 * so the old record's `ticketAt` is moved on: such a response then leaves the cookie alone.
 */
export async function noteSuccession(
  services: Services,
  handle: RecordHandle,
  before: SessionRecord | null,
): Promise<void> {
  const record =
    before === null ? handle.replaced : await ignoringStoreErrors(() => handle.calls.read(before.id, true));
  if (!record) return;
  const { id, epoch, verifier, ticketAt } = record;
  const columns = { ticketAt: Math.max(services.clock.now(), ticketAt + 1) };
  await ignoringStoreErrors(() => handle.calls.patch(id, { epoch, expect: { verifier }, columns }));
}

async function takeOver(
  services: Services,
  handle: RecordHandle,
  data: SessionData,
  record: SessionRecord,
  to: Login,
  agent: string,
): Promise<boolean> {
  const now = services.clock.now();
  const isSame = record.subject === to.subject;
  const kept = record.subject === null ? to.keep : [];
  // Record mutations of objects now, because the switch to the new record would lose them.
  const notice = (): void => data.noticeChanges(isSame ? data.keys() : kept);
  notice();
  const { kind } = await handle.replaceTicket({
    ...(isSame ? {} : { retain: kept.map(fieldName.data) }),
    set: new Map([[fieldName.agent, services.codec.encode(record.id, fieldName.agent, agent)]]),
    columns: {
      epoch: record.epoch + 1,
      subject: to.subject,
      authenticatedAt: now,
      lastSeenAt: now,
      // If another subject was logged in, a new session begins here. An anonymous visitor's goes on.
      createdAt: isSame || record.subject === null ? record.createdAt : now,
      ...lifetimeOf(services.timeouts, to.permanent ?? (isSame && record.permanent), now, to.ownLifetime),
    },
  });
  // A handler that does not await the login may have made more changes meanwhile.
  if (kind === "applied") notice();
  return kind === "applied";
}
