import type { SqlFragment } from "./sql.ts";
import { CqiError } from "../errors/mod.ts";
import { type Encodable, encode } from "./value.ts";

/** A statement as a driver takes it. */
export interface Compiled {
  readonly text: string;
  readonly params: readonly (string | null)[];
}

// The protocol counts parameters in 16 bits (message Bind).
const MAX_PARAMS = 65_535;

/**
 * A piece of SQL with its values apart. Recognised by its private field, which no JSON and no
 * other object can have: data can never pass for SQL.
 */
export class Fragment implements SqlFragment {
  readonly #texts: readonly string[];
  readonly #values: readonly Encodable[];
  readonly #template: TemplateStringsArray | undefined;

  /**
   * @param texts One more than there are values; the library's or a template's own text.
   * @param values What stands between them.
   * @param template The template that the texts are, one by one.
   */
  constructor(
    texts: readonly string[],
    values: readonly Encodable[],
    template?: TemplateStringsArray,
  ) {
    this.#texts = texts;
    this.#values = values;
    this.#template = template;
  }

  get [Symbol.toStringTag](): "SqlFragment" {
    return "SqlFragment";
  }

  /** Whether a value is a fragment. */
  static is(value: unknown): value is Fragment {
    return typeof value === "object" && value !== null && #texts in value;
  }

  /** Appends the fragment to lists of texts and values; the first text joins the last one there. */
  static append(fragment: Fragment, texts: string[], values: Encodable[]): void {
    texts[texts.length - 1] += fragment.#texts[0]!;
    for (let i = 0; i < fragment.#values.length; i++) {
      values.push(fragment.#values[i]!);
      texts.push(fragment.#texts[i + 1]!);
    }
  }

  /**
   * Text with placeholders, and the values as texts.
   *
   * @param fragment What to compile.
   * @param known Texts of templates that were compiled before.
   */
  static compile(fragment: Fragment, known: WeakMap<TemplateStringsArray, string>): Compiled {
    const texts = fragment.#texts;
    const values = fragment.#values;
    if (values.length > MAX_PARAMS) {
      throw new CqiError(
        "CQI_DATABASE_QUERY",
        `Cannot run a query with ${values.length} values: PostgreSQL takes at most ${MAX_PARAMS}, ` +
          "send the rows in batches",
      );
    }
    const template = fragment.#template;
    let text = template === undefined ? undefined : known.get(template);
    if (text === undefined) {
      text = joined(texts);
      if (template !== undefined) known.set(template, text);
    }
    return { text, params: values.map((value, i) => encode(value, `value $${i + 1}`)) };
  }
}

function joined(texts: readonly string[]): string {
  let text = texts[0]!;
  for (let i = 1; i < texts.length; i++) text += `$${i}${texts[i]}`;
  if (text.includes("\0")) {
    throw new CqiError("CQI_DATABASE_QUERY", "Cannot run a query whose text has a NUL character");
  }
  return text;
}

/** Joins a template's texts with its values; fragments among the values become text. */
export function fromTemplate(
  strings: TemplateStringsArray,
  values: readonly unknown[],
): Fragment {
  // A template's array is frozen and has `raw`: a string that was put together by hand has neither.
  if (!Array.isArray(strings) || !Array.isArray(strings.raw) || !Object.isFrozen(strings)) {
    throw new CqiError(
      "CQI_DATABASE_QUERY",
      "Cannot make a query from a string: use it as a template tag, so that values stay apart",
    );
  }
  if (!values.some(Fragment.is)) return new Fragment(strings, values, strings);
  const texts = [strings[0]!];
  const bound: Encodable[] = [];
  values.forEach((value, i) => {
    if (Fragment.is(value)) {
      Fragment.append(value, texts, bound);
      texts[texts.length - 1] += strings[i + 1]!;
    } else {
      bound.push(value as Encodable);
      texts.push(strings[i + 1]!);
    }
  });
  return new Fragment(texts, bound);
}
