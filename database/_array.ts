/**
 * Reads an array in PostgreSQL's text form (Arrays, 8.15.6): `{1,NULL,"a,b",{...}}`, with or
 * without bounds before it (`[0:1]={1,2}`). Undefined when an item has no value or the text is not
 * an array.
 *
 * @param text The array.
 * @param parse Reads one item.
 * @param isMissing Whether what `parse` gave is no value.
 */
export function parseArray(
  text: string,
  parse: (item: string) => unknown,
  isMissing: (value: unknown) => boolean,
): unknown[] | undefined {
  let at = text.startsWith("[") ? text.indexOf("=") + 1 : 0;
  let isBad = false;

  function item(): unknown {
    let value = "";
    if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === "\\") at++;
        value += text[at] ?? "";
      }
      at++;
    } else {
      const start = at;
      while (at < text.length && text[at] !== "," && text[at] !== "}") at++;
      value = text.slice(start, at);
      if (value === "NULL") return null;
    }
    const parsed = parse(value);
    if (isMissing(parsed)) isBad = true;
    return parsed;
  }

  function list(): unknown[] {
    const items: unknown[] = [];
    at++;
    while (at < text.length && text[at] !== "}") {
      items.push(text[at] === "{" ? list() : item());
      if (text[at] === ",") at++;
    }
    if (text[at] !== "}") isBad = true;
    at++;
    return items;
  }

  if (text[at] !== "{") return undefined;
  const items = list();
  return isBad || at !== text.length ? undefined : items;
}
