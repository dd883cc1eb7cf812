/** The colours a user may like best; each has a class in the stylesheet, so no page needs inline style. */
export const COLOURS = ["green", "blue", "violet", "rose", "amber", "slate"] as const;

/** One of them. */
export type Colour = (typeof COLOURS)[number];

/** Whether a text that came from a form or the database names one of them. */
export function isColour(text: string): text is Colour {
  return COLOURS.some((colour) => colour === text);
}
