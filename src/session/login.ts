import { MisuseError } from "../errors.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import { fieldName } from "../services/field-codec.ts";
import type { RecordHandle } from "./record-handle.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { SessionRecord } from "../record/record.ts";
import type { SessionData } from "./data.ts";
import { lifetimeOf } from "../services/timeouts.ts";

/** A login, as the session asks for it. */
export interface Login {
  readonly subject: string;
  /** The data keys of an anonymous visitor that stay. */
  readonly keep: readonly string[];
  /** Whether the session should outlive the browser; `undefined` when the request has not said. */
  readonly permanent: boolean | undefined;
  readonly agent: string;
}

/** @throws MisuseError SUBJECT_INVALID for anything but 1 to 255 well-formed characters. */
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
  const hint = typeof subject === "number" || typeof subject === "bigint" ? " Write String(id)." : "";
  throw new MisuseError(
    "SUBJECT_INVALID",
    `A subject is a string of 1 to 255 characters without control characters.${hint}`,
  );
}

/** Binds the session to a subject: in the record there is, under a new epoch and ticket, or else in a new record. */
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
  const record = handle.current;
  if (record === null || !handle.hasClient || !(await takeOver(services, handle, data, record, to, agent))) {
    // No record, or it ended or was logged in elsewhere while this request ran: an explicit login always gets its own.
    await handle.create(
      { subject: to.subject, permanent: to.permanent ?? false },
      new Map([[fieldName.agent, agent]]),
    );
    await noteSuccession(services, handle, record);
  }
  if (handle.hasClient)
    services.events.emit({ type: "login", id: handle.current?.id ?? "", subject: to.subject });
}

/**
 * After a login in a record of its own. The ticket that the request brought was replaced, or its session ended,
 * while this browser's requests were under way: a response about that may come late, and must not take the
 * place of the login's cookie. So the record says that it was asked for since.
 */
async function noteSuccession(
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
  // Objects that were changed inside count as changed from here on: laying the new record over them would forget it.
  const notice = (): void => data.noticeChanges(isSame ? data.keys() : kept);
  notice();
  const isDone = await handle.replaceTicket({
    ...(isSame ? {} : { retain: kept.map(fieldName.data) }),
    set: new Map([[fieldName.agent, services.codec.encode(record.id, fieldName.agent, agent)]]),
    columns: {
      epoch: record.epoch + 1,
      subject: to.subject,
      authenticatedAt: now,
      lastSeenAt: now,
      // Another person's session begins here; an anonymous visitor's began when they came.
      createdAt: isSame || record.subject === null ? record.createdAt : now,
      ...lifetimeOf(services.timeouts, to.permanent ?? (isSame && record.permanent), now),
    },
  });
  // What was changed meanwhile, where a handler does not wait.
  if (isDone) notice();
  return isDone;
}
