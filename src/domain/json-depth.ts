/** How deep JSON is nested and how many values it has, before it is parsed: what is too much costs no memory and no stack. */

const QUOTE = 34;
const BACKSLASH = 92;
const OPENING = new Set([91, 123]); // [ {
const CLOSING = new Set([93, 125]); // ] }

const COMMA = 44;

/** Wrong JSON gets some answer too; the parser will refuse it. Linear in the length. */
export const isDeeperThan = (text: string, maxDepth: number): boolean =>
  excessOf(text, { maxDepth, maxValues: Infinity }) === 'depth';

/** What there is too much of: levels, or values (members and elements). What follows it is not looked at. */
export function excessOf(
  text: string,
  { maxDepth, maxValues }: { readonly maxDepth: number; readonly maxValues: number },
): 'depth' | 'values' | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = closingQuote(text, at);
    } else if (OPENING.has(character)) {
      depth += 1;
      values += 1;
      if (depth > maxDepth) return 'depth';
      if (values > maxValues) return 'values';
    } else if (character === COMMA) {
      values += 1;
      if (values > maxValues) return 'values';
    } else if (CLOSING.has(character)) {
      depth -= 1;
    }
  }
  return undefined;
}

/** Place of the quote that ends the string begun at `start`; the end of the text when there is none. */
function closingQuote(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let first = at;
    while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    if ((at - first) % 2 === 0) return at;
  }
  return text.length;
}
