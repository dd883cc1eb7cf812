import { html } from "./html.ts";
import type { Html } from "./html.ts";

const STYLED = new Map([
  ["success", { sign: "✓", word: "Success" }],
  ["info", { sign: "i", word: "Information" }],
  ["warning", { sign: "!", word: "Warning" }],
  ["error", { sign: "×", word: "Error" }],
]);

/** A message from the session, styled by its category. */
export function messageBox({ message, category }: { message: string; category: string }): Html {
  const style = STYLED.get(category);
  // A category without its own style (such as the default one) is shown plainly.
  return html`<p class="message ${style ? category : "plain"}" data-category="${category}">
    <span class="sign" aria-hidden="true">${style?.sign ?? "•"}</span>
    <span class="text"
      ><span class="sr-only">${style?.word ?? "Message"}: </span><span class="words">${message}</span></span
    >
  </p>`;
}

/** A notice of the page itself, shown as long as it is true; looks like a message. */
export function noticeBox(category: "info" | "warning", content: Html | string): Html {
  return html`<p class="message ${category}" id="notice">
    <span class="sign" aria-hidden="true">${STYLED.get(category)?.sign ?? ""}</span>
    <span class="text">${content}</span>
  </p>`;
}
