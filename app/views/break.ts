import type { RejectionReason, SessionEvent } from "coatcheck";
import { staticUrl } from "../static.ts";
import type { SeenEvent } from "../visitor-events.ts";
import { codeRegion } from "./code.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { noticeBox } from "./message.ts";
import { ownerField } from "./owner.ts";
import { clockTime, ticketNumber } from "./wording.ts";

/**
 * Why a ticket is kept aside: it is the good one of an edited one (`good`), it was replaced (`old`), its session was
 * logged out (`ended`), or an older one is being replayed instead of it (`new`).
 */
export type KeptTicket = "good" | "old" | "ended" | "new";

/** What `/break` shows. */
export type BreakPage = {
  /** The id of the session, if its ticket is valid. */
  ticket: string | undefined;
  user: string | undefined;
  owner: string | undefined;
  rejection: RejectionReason | undefined;
  kept: KeptTicket | undefined;
  /** `undefined` if this visitor is not watched yet. */
  events: readonly SeenEvent[] | undefined;
};

/** `/break`. */
export function breakView(shown: BreakPage): Html {
  const { ticket, owner, kept, events } = shown;
  return html`<h1>Break it</h1>
    <p class="lead">
      Six ways to break a session, and each breaks only your own. Press a button, then read what happened just
      below here, and at the end of the page what the site's operator sees of it.
    </p>
    <div id="state">${stateView(shown)}</div>
    <ol class="breaks">
      ${breakCard(
        "Edit the cookie",
        html`You get your own cookie back with one character changed. It opens nothing: the signature does not
        fit, so the store is not even asked. The good one is kept aside.`,
        button("edit", "Change one character", ticket === undefined),
      )}
      ${breakCard(
        "Replay an old one",
        html`Somebody has copied your cookie. Get a new ticket, as after a change of rights, or log out. Then
        send the copy: it is refused, on every server, from that moment on. Flask would take it for 31 days.`,
        html`${button("rotate", "Get a new ticket", ticket === undefined)}
        ${button("logout", "Log out, keep a copy", ticket === undefined)}
        ${kept === "old" || kept === "ended" ? button("swap", "Replay the copy") : ""}`,
      )}
      ${breakCard(
        "Let it expire now",
        html`Your session ends in the store this moment, as if you had stayed away too long. Your cookie
        stays, and opens nothing: the server decides. This can't be undone, and what was in the session is
        gone.`,
        button("expire", "Let it expire", ticket === undefined),
      )}
      ${breakCard(
        "Take the store away",
        html`For ten seconds, every call of the store fails, in your requests only. Your pages say
          <code>503</code> and when to try again. An outage must not log anybody out: your cookie is left
          alone, and you are still logged in afterwards.`,
        button("outage", "Take it away for 10 seconds", ticket === undefined),
      )}
      ${breakCard(
        "Be somebody else in another tab",
        html`In another tab, <a href="/logout" target="_blank">log out</a> and
          <a href="/signup" target="_blank">sign up</a> as somebody else. Then come back and send this form,
          which was made for
          ${shown.user === undefined ? "whoever was logged in" : html`<strong>${shown.user}</strong>`}. It is
          refused, so nothing is done in the wrong name.`,
        owner === undefined
          ? html`<p class="hint"><a href="/login?return=/break">Log in</a> first.</p>`
          : ownFormView(owner),
      )}
      ${breakCard(
        "Be another site",
        html`A form on another site could act in your name, since your browser sends your cookie along. It is
        refused: browsers say where a form comes from. Save this as a file, and open it:`,
        codeRegion(
          "A form of another site",
          `<form method="post" action="…/break">
  <button name="what" value="expire">A kitten</button>
</form>`,
        ),
      )}
    </ol>
    ${
      ticket === undefined
        ? html`<p class="hint" id="no-ticket">
            The buttons need a ticket that is valid:
            <a href="/session_set">put something into the session</a>, or
            <a href="/login?return=/break">log in</a>.
          </p>`
        : ""
    }
    ${eventsView(events)}`;
}

/** While the store is away. This page does not know who the visitor is. */
export function outageView({ until, events }: { until: Date; events: readonly SeenEvent[] }): Html {
  return html`<h1>Your store is away</h1>
    <div id="state">
      ${noticeBox(
        "warning",
        html`Until <strong>${clockTime(until)}</strong>, every call of the store fails in your requests. So
          this page does not know who you are, and says <code>503</code> rather than to treat you as logged
          out. Your cookie was not touched. Look at <a href="/user">your page</a> meanwhile, and
          <a href="/break">come back</a> when the time is over.`,
      )}
      <p class="hint">Only you notice. For everybody else the store is there.</p>
    </div>
    ${eventsView(events)}`;
}

/** A form that is made for one user. */
export function ownFormView(owner: string): Html {
  return html`<form method="post" action="/break/form">
    ${ownerField(owner)}
    <button class="quiet">Send this form</button>
  </form>`;
}

/** One event: when, what it means, and the object that a program of the site's operator gets. */
export function eventView({ at, event }: SeenEvent): Html {
  return html`<li class="event">
    <p>${clockTime(at)} <b>${event.type}</b> ${meaning(event)}</p>
    <code>${JSON.stringify(event)}</code>
  </li>`;
}

function eventsView(events: readonly SeenEvent[] | undefined): Html {
  return html`<section aria-labelledby="events-title" class="events">
    <h2 id="events-title">What the site's operator sees</h2>
    ${
      events === undefined
        ? html`<p>
              The library emits an event for whatever happens to a session, for logs and alarms. Your own are
              listed here once you press this button, or any other one.
            </p>
            ${button("watch", "Watch my events")}`
        : html`<p class="hint">
              <span id="live">Reload to see what is new.</span> Nothing in an event opens a session: the id is
              only the number of the ticket.
            </p>
            <ol id="events" aria-live="polite" data-stream="/break/events">
              ${events.map(eventView)}
            </ol>
            ${events.length === 0 ? html`<p class="hint" id="no-events">Nothing has happened yet.</p>` : ""}
            <script type="module" src="${staticUrl("live.js")}"></script>`
    }
  </section>`;
}

function breakCard(title: string, what: Html, action: Html): Html {
  return html`<li>
    <article>
      <h2>${title}</h2>
      <p>${what}</p>
      <div class="buttons">${action}</div>
    </article>
  </li>`;
}

function button(what: string, label: string, disabled = false): Html {
  return html`<form method="post" action="/break">
    <button class="quiet" name="what" value="${what}" ${disabled ? html`disabled` : ""}>${label}</button>
  </form>`;
}

/** What is true now, and so what did happen. */
function stateView({ ticket, user, rejection, kept }: BreakPage): Html {
  if (rejection === "forged" || rejection === "malformed") {
    return html`${noticeBox(
      "warning",
      html`<strong>Your ticket was refused: ${rejection}.</strong> It is not what this site wrote, so nobody
        is logged in, and the store was not asked. A thief who guesses gets exactly this. The operator sees
        the event <code>rejected</code>, without the ticket.`,
    )}
    ${back(kept)}`;
  }
  if (rejection === "superseded") {
    return html`${noticeBox(
      "warning",
      html`<strong>Your ticket was refused: superseded.</strong> The signature is right, but the session has a
        newer ticket. A thief who copied the old one gets exactly this; the owner goes on. An operator who
        sees this event long after the change has found a copied cookie.`,
    )}
    ${back(kept)}`;
  }
  if (rejection !== undefined) {
    return html`${noticeBox(
      "warning",
      html`<strong>Your ticket was refused: ${rejection}.</strong> The signature is right, but its session is
        over: logged out, revoked or expired. The ticket opens nothing any more, wherever a copy of it is.
        <a href="/login?return=/break">Log in</a> to get a new one.`,
    )}
    ${back(kept)}`;
  }
  return html`<p>
      ${
        ticket === undefined
          ? "You have no ticket."
          : html`Your ticket has the number <code>${ticketNumber(ticket)}</code> and is valid.
              ${user === undefined ? "Nobody is logged in." : html`You are logged in as <strong>${user}</strong>.`}`
      }
    </p>
    ${
      kept === "old"
        ? noticeBox(
            "info",
            "You have a new ticket: the same number, with a new secret. The old one is kept aside, as a thief would have kept it: replay it.",
          )
        : kept === "ended"
          ? noticeBox(
              "info",
              "The session was ended. A copy of its ticket is kept aside, as a thief would have kept it: replay it.",
            )
          : ""
    }
    ${ticket === undefined && kept === "ended" ? button("swap", "Replay the copy now") : ""}`;
}

function back(kept: KeptTicket | undefined): Html | "" {
  if (kept === "good") return button("swap", "Put the good one back");
  return kept === "new" ? button("swap", "Put the newer one back") : "";
}

function meaning(event: SessionEvent): string {
  switch (event.type) {
    case "created":
      return "A new session began.";
    case "login":
      return "Somebody logged in, and got a new ticket.";
    case "logout":
      return "The session was logged out. Its data is wiped.";
    case "rotated":
      return "The session got a new ticket. The old one is worthless.";
    case "revoked":
      return "The session was ended from elsewhere.";
    case "rejected":
      return REJECTED[event.reason];
    case "store-failed":
      return `A call of the store failed: ${event.operation}.`;
    case "write-dropped":
      return "Changes were dropped: the session had ended meanwhile.";
    case "cross-origin-refused":
      return "Another site's form was refused.";
    default:
      return "";
  }
}

const REJECTED: Record<RejectionReason, string> = {
  malformed: "A cookie that is no ticket.",
  forged: "A ticket that this site did not write, or that was changed.",
  ambiguous: "Two different tickets in one request.",
  ended: "A ticket whose session is over.",
  superseded: "An old ticket of a session that goes on with a newer one.",
  unreadable: "A ticket whose record is damaged.",
  "cross-origin": "Another site opened a connection with this visitor's cookie.",
};
