import { LOOK_ALIKES } from "./look-alikes.ts";

/** The longest name, in characters as a person counts them. */
const MAX_NAME_CHARACTERS = 40;

/** The longest name in UTF-16 units, as browsers count for maxlength: one joined emoji may have a dozen. */
export const MAX_NAME_LENGTH = 160;

/** The scripts that are recommended for identifiers (UAX #31, table 5). */
const SCRIPTS = (
  "Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han Hangul Hebrew " +
  "Hiragana Kannada Katakana Khmer Lao Latin Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan"
).split(" ");

/** The scripts that may occur in one name: one, or those that people do mix ("highly restrictive", UTS #39, 5.2). */
const WRITING = [
  ...SCRIPTS.map((script) => [script]),
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
].map(
  (scripts) =>
    new RegExp(`^[${["Common", "Inherited", ...scripts].map((name) => `\\p{scx=${name}}`).join("")}]*$`, "u"),
);

/** Letters, marks and digits of those scripts, ASCII, the accents of many scripts, and word joiners of some. */
const TAKEN = new RegExp(
  `^(?:[\\p{L}\\p{M}\\p{Nd}](?<=[${SCRIPTS.map((name) => `\\p{scx=${name}}`).join("")}])` +
    "|[ -~\\u0300-\\u0331\\u00B7\\u02BB\\u02BC\\u058A\\u05BE\\u05F3\\u05F4\\u0F0B\\u1361\\u2010\\u2019\\u30FB])$",
  "u",
);

/**
 * Those of them that look like another character of the same script, or like nothing: Latin letters of phonetics and
 * old alphabets, clicks and tones; parts of Korean syllables; the Arabic stroke that only widens a word.
 */
const NOT_TAKEN =
  /[ƄƅƍƟƦƧƨƪƫƻƼƽƾƿǀǁǂǃǷȜȝȢȣȴ-ɒɕɘɚɜ-ɢɤ-ɧɪ-ɱɳ-ʂʄ-ʈʌ-ʑʓ-ʺʽ-˿\u1C80-\u1C8F\u1D00-\u1DBF\u1EFA-\u1EFF\u2C60-\u2C7F\uA640-\uA69F\uA720-\uA7FF\uAB30-\uAB6F\u1100-\u11FF\uA960-\uA97F\uD7B0-\uD7FF\u0640]/u;

/** Joiners are part of a word after a virama, and between two Arabic letters that would join (RFC 5892, A.1 and A.2). */
const VIRAMA =
  "\\u094D\\u09CD\\u0A4D\\u0ACD\\u0B4D\\u0BCD\\u0C4D\\u0CCD\\u0D3B\\u0D3C\\u0D4D\\u0DCA\\u0E3A\\u0EBA\\u0F84\\u1039\\u103A\\u17D2";
const JOINS_NOTHING = "\\u0621\\u0674\\u06D5\\u06E5\\u06E6";
const JOINS_ON_ONE_SIDE =
  "\\u0622-\\u0625\\u0627\\u0629\\u062F-\\u0632\\u0648\\u0671-\\u0673\\u0675-\\u0677\\u0688-\\u0699\\u06C0\\u06C3-\\u06CB\\u06CD\\u06CF\\u06D2\\u06D3\\u06EE\\u06EF\\u0759-\\u075B\\u076B\\u076C\\u0771\\u0773\\u0774\\u0778\\u0779";
const ARABIC_LETTER = "(?=\\p{Script=Arabic})\\p{L}";
const JOINERS = new RegExp(
  `(?<=[${VIRAMA}])[\\u200C\\u200D]` +
    `|(?<=(?![${JOINS_NOTHING}${JOINS_ON_ONE_SIDE}])${ARABIC_LETTER}\\p{Mn}*)\\u200C(?=\\p{Mn}*(?![${JOINS_NOTHING}])${ARABIC_LETTER})`,
  "gu",
);

/** A name as it is stored: one spelling for equivalent texts (Unicode NFKC). */
export function normalizeName(typed: string): string {
  return typed.normalize("NFKC").trim().replaceAll(/\s+/gu, " ");
}

/** The key by which "Leo" and "leo" are one account, for lookups and for counters per account. */
export function nameKey(typed: string): string {
  return normalizeName(typed).toLowerCase().normalize("NFKC");
}

/** What is wrong with a name, as a sentence; `undefined` if it is valid. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "Please choose a name.";
  if (name.length > MAX_NAME_LENGTH || charactersIn(name) > MAX_NAME_CHARACTERS)
    return `Please choose a name of at most ${MAX_NAME_CHARACTERS} characters.`;
  const text = name.replaceAll(/\p{RGI_Emoji}/gv, " ").replaceAll(JOINERS, "");
  // They are invisible, reverse the text, or make a second "leo" that looks like the first.
  if (/(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text))
    return "The name has a character in it that cannot be seen.";
  const strange = [...text].find((character) => !TAKEN.test(character) || NOT_TAKEN.test(character));
  if (strange !== undefined) return `Please write the name without ${strange}.`;
  if (/(?:^| )\p{M}|\p{M}{5}|(\p{Mn})\1/u.test(text.normalize("NFD")))
    return "The name has an accent in it that stands on no letter, or too many on one.";
  if (!WRITING.some((writing) => writing.test(text))) return "Please write the name in one alphabet.";
  return undefined;
}

/**
 * The claims of a name. Two names that share a claim look the same, or differ only in capitals, so only one of them
 * can be registered. There are up to two claims, since a capital I looks like an l but is an i.
 */
export function nameClaims(name: string): string[] {
  const seen = normalizeName(name).replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
  return [...new Set([looks(folded(seen)), folded(looks(seen))])];
}

const segmenter = new Intl.Segmenter();

/** Counts characters as a person does. There are never more than UTF-16 units, which are faster to count. */
function charactersIn(text: string): number {
  return text.length <= MAX_NAME_CHARACTERS ? text.length : [...segmenter.segment(text)].length;
}

function folded(text: string): string {
  // Lower case first: the upper case of a capital ß is itself, that of a small one is SS.
  return text.toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFKC");
}

/** One spelling for texts that look the same (after the skeleton of UTS #39). */
function looks(text: string): string {
  return [...text.normalize("NFD").replaceAll(/(?<=\p{Soft_Dotted})\u0307/gu, "")]
    .map((character) => LOOK_ALIKES.get(character) ?? character)
    .join("")
    .replaceAll("rn", "m")
    .normalize("NFC");
}
