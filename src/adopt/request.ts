import { createHmac } from "node:crypto";
import { ConfigError, StoreError } from "../errors.ts";
import { newRecordId, verifierOf, verifiersEqual } from "../crypto/ticket.ts";
import type { VerifiedTicket } from "../crypto/ticket.ts";
import { userAgentOf } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import { patched } from "../record/patch.ts";
import type { Patch } from "../record/patch.ts";
import type { SessionRecord } from "../record/record.ts";
import type { AdoptedSession, RequestAdoption } from "../services/adopter.ts";
import type { AdoptionRefusal } from "../services/events.ts";
import { fieldName } from "../services/field-codec.ts";
import { causeOf } from "../services/outage-notice.ts";
import type { OutageNotice } from "../services/outage-notice.ts";
import type { Services } from "../services/services.ts";
import { ignoringStoreErrors } from "../services/store-client.ts";
import type { StoreClient } from "../services/store-client.ts";
import { lifetimeOf } from "../services/timeouts.ts";
import { endingPatch } from "../session/ending.ts";
import type { Credential, FormatInUse, OldCookies } from "./format.ts";
import { checkedTaken } from "./taken.ts";
import type { CheckedTaken } from "./taken.ts";
import {
  isPending,
  markerId,
  markerRecord,
  pendingRecord,
  rememberedUntil,
  sessionOf,
  subjectMarkerId,
} from "./used-credentials.ts";
import { withinDeadline } from "./deadline.ts";

/** What the adoption of one request works with. */
interface Incoming {
  readonly request: RequestLike;
  /** The store client of the request, whose calls share one deadline. */
  readonly calls: StoreClient;
  readonly cookies: OldCookies;
  readonly notice: OutageNotice;
  /** The sources that have a cookie here, and whose time is not over. */
  readonly sources: readonly FormatInUse[];
}

/** A good credential and its source. */
interface Found {
  readonly source: FormatInUse;
  readonly credential: Credential;
}

/**
 * Adopts the visitor of one request.
 *
 * A session is adopted in three writes: the session's record, **pending**, which nobody can open; a **marker** under an
 * id that follows from the credential, which names that record; then the login itself, in the record. Only one marker
 * can be created for a credential, so of any number of requests on any number of servers one wins, and all others
 * use the record that its marker names. The marker stays when the session ends. Whoever brings the credential again
 * then finds a session that has ended. A process that dies in between leaves a pending record: if no marker names it,
 * the next request begins again; if one does, the next request completes it.
 */
export class OldCookiesOfRequest implements RequestAdoption {
  readonly #services: Services;
  readonly #incoming: Incoming;
  readonly #clearings = new Set<string>();
  #adopted: Promise<AdoptedSession | undefined> | undefined;

  constructor(services: Services, incoming: Incoming) {
    this.#services = services;
    this.#incoming = incoming;
  }

  get clearings(): readonly string[] {
    return [...this.#clearings];
  }

  adopt(): Promise<AdoptedSession | undefined> {
    return (this.#adopted ??= this.#adopt());
  }

  async retire(current: string | undefined): Promise<void> {
    for (const source of this.#incoming.sources) {
      for (const credential of this.#credentialsOf(source)) {
        await this.#retire({ source, credential }, current);
      }
    }
  }

  async #adopt(): Promise<AdoptedSession | undefined> {
    for (const source of this.#incoming.sources) {
      const [credential, ...others] = this.#credentialsOf(source);
      if (others.length > 0) {
        // One of them was planted, and nothing tells which.
        this.#refuse(source, "ambiguous");
        return undefined;
      }
      const session = credential === undefined ? undefined : await this.#open({ source, credential });
      if (session !== undefined) return session;
    }
    return undefined;
  }

  /** Returns the different good credentials that a source finds. */
  #credentialsOf(source: FormatInUse): Credential[] {
    const found = source.format.find(this.#incoming.cookies, this.#services.clock.now());
    const good = new Map<string, Credential>();
    for (const one of found) if (typeof one === "object") good.set(one.identity, one);
    const bad = found.find((one) => typeof one === "string");
    if (good.size === 0 && bad !== undefined) this.#refuse(source, bad);
    return [...good.values()];
  }

  async #open(found: Found): Promise<AdoptedSession | undefined> {
    const { calls } = this.#incoming;
    const marker = markerId(found.source.format, found.credential);
    const known = await calls.read(marker, true);
    if (known !== null) return this.#join(found, known);
    const taken = await this.#take(found);
    if (taken === "gone") {
      // Another request may have adopted it in the meantime, and removed the old record.
      const since = await calls.read(marker, true);
      if (since !== null) return this.#join(found, since);
      this.#refuse(found.source, "expired");
      return undefined;
    }
    if (taken === undefined) return undefined;
    const now = this.#services.clock.now();
    const until = rememberedUntil(found.credential, now);
    const pending = pendingRecord(newRecordId(), now, until);
    if (!(await calls.create(pending))) {
      throw new StoreError("STORE_FAILED", "create", "The store reports a new random id as taken.", {
        transient: true,
      });
    }
    if (await calls.create(markerRecord(marker, pending.id, now, until)))
      return this.#activate(found, pending, taken);
    await ignoringStoreErrors(() => calls.patch(pending.id, endingPatch(pending.epoch, now)));
    const winner = await calls.read(marker, true);
    return winner === null ? undefined : this.#join(found, winner);
  }

  /** Opens the session that a marker names, and completes it if that has not been done. */
  async #join(found: Found, marker: SessionRecord): Promise<AdoptedSession | undefined> {
    const { calls } = this.#incoming;
    const id = sessionOf(marker);
    if (id === undefined) {
      this.#clear(found);
      this.#refuse(found.source, "used");
      return undefined;
    }
    const record = await calls.read(id, true);
    if (record === null || !isPending(record)) return this.#checked(found, id, record);
    const taken = await this.#take(found);
    if (taken === undefined) return undefined;
    return taken === "gone"
      ? this.#checked(found, id, await calls.read(id, true))
      : this.#activate(found, record, taken);
  }

  /** Writes the login into a pending record, unless another request does so first. */
  async #activate(
    found: Found,
    pending: SessionRecord,
    taken: CheckedTaken,
  ): Promise<AdoptedSession | undefined> {
    const { calls, request } = this.#incoming;
    const { clock, codec, events, sweeper, timeouts } = this.#services;
    const { id } = pending;
    const now = clock.now();
    const agent: [string, string][] =
      taken.subject === null ? [] : [[fieldName.agent, JSON.stringify(userAgentOf(request))]];
    const patch: Patch = {
      epoch: pending.epoch,
      expect: { verifier: pending.verifier },
      set: new Map(
        Array.from([...taken.texts, ...agent], ([name, text]) => [name, codec.encode(id, name, text)]),
      ),
      columns: {
        epoch: pending.epoch + 1,
        verifier: this.#tickets(found, id)[0].verifier,
        ticketAt: now,
        subject: taken.subject,
        createdAt: now,
        // Nobody knows when this visitor proved who they are, so the login counts as not fresh.
        authenticatedAt: null,
        lastSeenAt: now,
        ...lifetimeOf(timeouts, taken.permanent, now),
      },
    };
    const outcome = await calls.patch(id, patch);
    if (outcome.kind !== "applied") return this.#checked(found, id, await calls.read(id, true));
    events.emit({ type: "adopted", id, subject: taken.subject, from: found.source.format.from });
    this.#removeOld(found);
    sweeper.sweepIfDue();
    return this.#checked(found, id, patched(pending, patch, outcome.revision).next);
  }

  /**
   * Returns a session unless all sessions of its subject were ended. This is read after the login was written, so one
   * of the two always sees the other.
   */
  async #checked(found: Found, id: string, record: SessionRecord | null): Promise<AdoptedSession> {
    const { calls } = this.#incoming;
    const tickets = this.#tickets(found, id);
    const ticket = tickets.find(
      ({ verifier }) => record !== null && verifiersEqual(verifier, record.verifier),
    );
    const isOpen = record !== null && ticket !== undefined;
    const isRefused =
      isOpen && record.subject !== null && (await calls.read(subjectMarkerId(record.subject), true)) !== null;
    if (isRefused) {
      await calls.patch(id, endingPatch(record.epoch, this.#services.clock.now()));
      this.#services.endWatcher.noteEpoch(id, record.epoch + 1);
    }
    // Not earlier: while the store fails, the visitor keeps the cookie, and can come again.
    this.#clear(found);
    if (isOpen && !isRefused) return { record, ticket };
    this.#refuse(found.source, "used");
    return { record: isRefused ? null : record, ticket: tickets[0] };
  }

  /**
   * Reads the old session and asks the app what comes along.
   *
   * @returns `"gone"` if there is no old session any more; `undefined` if the app leaves it.
   */
  async #take({ source, credential }: Found): Promise<CheckedTaken | "gone" | undefined> {
    const old = await this.#read({ source, credential });
    if (old === undefined) return "gone";
    try {
      return checkedTaken(await source.take(old), source.caller, this.#services);
    } catch (error) {
      this.#report(source, "take", error);
      throw error;
    }
  }

  /** @throws StoreError if the old store fails or does not answer: the visitor is then unknown, not anonymous. */
  async #read({ source, credential }: Found): Promise<object | undefined> {
    const { calls } = this.#incoming;
    try {
      return await withinDeadline(this.#services.clock, calls, () => credential.read());
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      this.#report(source, "read", cause);
      const message = `${source.caller}: the store of the system before failed to read.`;
      const error =
        cause instanceof StoreError
          ? cause
          : new StoreError("STORE_FAILED", "read", message, { transient: false, cause });
      this.#incoming.notice.note(error, this.#services.clock.now());
      throw error;
    }
  }

  /** The visitor does not wait for it, and its failure is not theirs. */
  #removeOld({ source, credential }: Found): void {
    const { remove } = credential;
    if (remove === undefined) return;
    const run = async (): Promise<void> => {
      try {
        await remove();
      } catch (error) {
        this.#report(source, "remove", error);
      }
    };
    void run();
  }

  async #retire(found: Found, current: string | undefined): Promise<void> {
    const { calls } = this.#incoming;
    const now = this.#services.clock.now();
    const id = markerId(found.source.format, found.credential);
    const marker = markerRecord(id, undefined, now, rememberedUntil(found.credential, now));
    if (!(await calls.create(marker))) {
      const known = await calls.read(id, true);
      const session = known === null ? undefined : sessionOf(known);
      if (session !== undefined && session !== current) await this.#endSession(found, session, now);
    }
    this.#clear(found);
    this.#removeOld(found);
  }

  /** Ends a session if the credential can still open it, or is about to. */
  async #endSession(found: Found, id: string, now: number): Promise<void> {
    const { calls } = this.#incoming;
    for (;;) {
      const record = await calls.read(id, true);
      if (record === null) return;
      const isOpen = this.#tickets(found, id).some(({ verifier }) =>
        verifiersEqual(verifier, record.verifier),
      );
      if (!isOpen && !isPending(record)) return;
      const outcome = await calls.patch(id, endingPatch(record.epoch, now));
      if (outcome.kind === "applied") {
        this.#services.endWatcher.noteEpoch(id, record.epoch + 1);
        return;
      }
      // Another request has just completed it, or ended it; the next read tells which.
    }
  }

  /**
   * Returns the ticket that a credential has for a record, so that all requests with this credential send the same:
   * one for each of the app's keys, newest first. Nobody without the key can work it out, and a ticket needs a mac, too.
   */
  #tickets({ source, credential }: Found, id: string): [VerifiedTicket, ...VerifiedTicket[]] {
    const [newest, ...older] = this.#services.keyring.keys("adopt").map(({ key }) => {
      const text = `ticket\n${id}\n${source.format.from}\n${credential.identity}`;
      const secret = createHmac("sha256", key).update(text).digest("base64url");
      return { id, secret, verifier: verifierOf({ id, secret }), signedByOldKey: false };
    });
    if (newest === undefined) throw new TypeError("A keyring is never empty.");
    return [newest, ...older];
  }

  #clear({ source, credential }: Found): void {
    for (const name of credential.cookies) this.#clearings.add(source.clearing(name));
  }

  #refuse({ format }: FormatInUse, reason: AdoptionRefusal): void {
    this.#services.events.emit({ type: "adoption-refused", from: format.from, reason });
  }

  #report({ format }: FormatInUse, step: "read" | "take" | "remove", error: unknown): void {
    const cause = causeOf({ cause: error });
    const event = { type: "adoption-failed", from: format.from, step } as const;
    this.#services.events.emit(cause === undefined ? event : { ...event, cause });
  }
}
