import { Decoder, type Row } from "./_decode.ts";
import type { DriverResult } from "./types.ts";
import { Fragment } from "./_fragment.ts";
import { CONTROL, isReading, isTidy, loggedText, operationOf } from "./_operation.ts";
import { keywordOf } from "./_keyword.ts";

/** What is known of a statement by its text alone. */
export interface TextInfo {
  /** First keyword, lower case; may be empty. */
  readonly keyword: string;
  /** Name of low variety, for metrics. */
  readonly operation: string;
  /** For spans and logs. */
  readonly logged: string;
  /** It may be run again when its answer was lost. */
  readonly isReading: boolean;
  /** It leaves nothing behind in its session once its transaction is over. */
  readonly isTidy: boolean;
  /** It would change the state of the protocol. */
  readonly isControl: boolean;
}

/** A statement as a driver takes it, with what is known of its text. */
export interface Statement {
  readonly text: string;
  readonly params: readonly (string | null)[];
  readonly info: TextInfo;
}

// Texts that a program has; more are made on the fly, with lists of values.
const MAX_TEXTS = 1000;
const NONE: readonly (string | null)[] = [];

/** Reads texts and columns once and remembers what they are. */
export class Texts {
  readonly #decoder = new Decoder();
  readonly #infos = new Map<string, TextInfo>();
  readonly #templates = new WeakMap<TemplateStringsArray, string>();

  /** A statement of a text that the library wrote. */
  statement(text: string, params: readonly (string | null)[] = NONE): Statement {
    return { text, params, info: this.#infoOf(text) };
  }

  /** A statement of a fragment, its values as texts. */
  compile(fragment: Fragment): Statement {
    const { text, params } = Fragment.compile(fragment, this.#templates);
    return { text, params, info: this.#infoOf(text) };
  }

  /** Rows of a result as objects; exact ones have each `timestamptz` as text. */
  rows(result: DriverResult, isExact = false): Row[] {
    return this.#decoder.rows(result, isExact);
  }

  #infoOf(text: string): TextInfo {
    const known = this.#infos.get(text);
    if (known !== undefined) return known;
    const keyword = keywordOf(text);
    const info: TextInfo = {
      keyword,
      operation: operationOf(keyword),
      logged: loggedText(text),
      isReading: isReading(keyword),
      isTidy: isTidy(keyword, text),
      isControl: CONTROL.has(keyword),
    };
    // Rather than to find out which was used last: a program whose texts never repeat gains nothing.
    if (this.#infos.size >= MAX_TEXTS) this.#infos.clear();
    this.#infos.set(text, info);
    return info;
  }
}
