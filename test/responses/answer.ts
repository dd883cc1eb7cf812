/** What a client received for one request. */
export interface Answer {
  /** Status codes of informational responses before it. */
  infos: string[];
  status: number;
  message: string;
  /** Names in lower case. */
  headers: [string, string][];
  body: Buffer;
  trailers: [string, string][];
  /**
   * - `whole`: as its own framing says;
   * - `cut`: the connection or the stream ended before;
   * - `open`: it never ended;
   * - `none`: there is no head.
   * - `malformed`: bytes that are no response.
   */
  state: "whole" | "cut" | "open" | "none" | "malformed";
  /** Whether the connection may be used again, as far as the response says. */
  mayStay: boolean;
}

export function noAnswer(): Answer {
  return {
    infos: [],
    status: 0,
    message: "",
    headers: [],
    body: Buffer.alloc(0),
    trailers: [],
    state: "none",
    mayStay: false,
  };
}

export function headerOf(answer: Answer, name: string): string | undefined {
  const found = answer.headers.filter(([own]) => own === name).map(([, value]) => value);
  return found.length === 0 ? undefined : found.join(", ");
}

/**
 * Reads one HTTP/1 response out of the bytes of a connection.
 *
 * @returns the answer, and how many bytes it took.
 */
export function readAnswer(
  bytes: Buffer,
  method: string,
  hasEnded: boolean,
): { answer: Answer; used: number } {
  const answer = noAnswer();
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end === -1) {
      if (at < bytes.length && !"HTTP/1.1 ".startsWith(bytes.toString("latin1", at, at + 9)))
        return malformed();
      answer.state =
        at === bytes.length && !hasEnded ? "none" : hasEnded && at < bytes.length ? "cut" : "none";
      return { answer, used: at };
    }
    const [first = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const start = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first);
    if (start === null) return malformed();
    at = end + 4;
    const headers = fieldsOf(lines);
    if (Number(start[1]) < 200 && Number(start[1]) !== 101) {
      answer.infos.push([start[1], ...headers.map((pair) => pair.join("="))].join(" "));
      continue;
    }
    answer.status = Number(start[1]);
    answer.message = start[2] ?? "";
    answer.headers = headers;
    break;
  }
  const length = headerOf(answer, "content-length");
  const isChunked = headerOf(answer, "transfer-encoding")?.includes("chunked") ?? false;
  answer.mayStay = !/close/i.test(headerOf(answer, "connection") ?? "");
  if (method === "HEAD" || answer.status === 204 || answer.status === 304) {
    answer.state = "whole";
    return { answer, used: at };
  }
  if (isChunked) return readChunks();
  if (length !== undefined) {
    const wanted = Number(length);
    answer.body = bytes.subarray(at, at + wanted);
    answer.state = answer.body.length === wanted ? "whole" : hasEnded ? "cut" : "open";
    return { answer, used: at + answer.body.length };
  }
  answer.body = bytes.subarray(at);
  answer.state = hasEnded ? "whole" : "open";
  answer.mayStay = false;
  return { answer, used: bytes.length };

  function malformed(): { answer: Answer; used: number } {
    return { answer: { ...answer, state: "malformed" }, used: bytes.length };
  }

  function readChunks(): { answer: Answer; used: number } {
    const parts: Buffer[] = [];
    const missing = (): { answer: Answer; used: number } => {
      answer.body = Buffer.concat(parts);
      answer.state = hasEnded ? "cut" : "open";
      return { answer, used: bytes.length };
    };
    for (;;) {
      const end = bytes.indexOf("\r\n", at);
      if (end === -1) return missing();
      const line = bytes.toString("latin1", at, end);
      if (!/^[0-9a-f]+$/i.test(line)) return malformed();
      const size = Number.parseInt(line, 16);
      at = end + 2;
      if (size === 0) break;
      parts.push(bytes.subarray(at, Math.min(at + size, bytes.length)));
      if (at + size + 2 > bytes.length) return missing();
      at += size;
      if (bytes.toString("latin1", at, at + 2) !== "\r\n") return malformed();
      at += 2;
    }
    answer.body = Buffer.concat(parts);
    const isEmpty = bytes.toString("latin1", at, at + 2) === "\r\n";
    const end = isEmpty ? at - 2 : bytes.indexOf("\r\n\r\n", at);
    if (!isEmpty && end === -1) return missing();
    answer.trailers = isEmpty ? [] : fieldsOf(bytes.toString("latin1", at, end).split("\r\n"));
    answer.state = "whole";
    return { answer, used: end + 4 };
  }
}

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
}
