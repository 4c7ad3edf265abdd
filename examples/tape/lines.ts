/** A line of a text. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** The line without its end; cut when it is longer than what was asked for. */
  readonly text: string;
  /** How many characters it has, cut or not. */
  readonly length: number;
}

/** Splits a text that comes in chunks into lines, holding at most `most` characters of any. */
export async function* readLines(
  chunks: AsyncIterable<string>,
  most: number,
): AsyncGenerator<Line> {
  let number = 0;
  let text = "";
  let length = 0;
  const take = (part: string): void => {
    length += part.length;
    if (text.length < most) text += part.slice(0, most - text.length);
  };
  const line = (): Line => {
    const crlf = text.length === length && text.endsWith("\r");
    const ended = crlf ? text.slice(0, -1) : text;
    const found = { number: ++number, text: ended, length: crlf ? length - 1 : length };
    text = "";
    length = 0;
    return found;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", start)) {
      take(chunk.slice(start, end));
      start = end + 1;
      yield line();
    }
    take(chunk.slice(start));
  }
  if (length > 0) yield line();
}
