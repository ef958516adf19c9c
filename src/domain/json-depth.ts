/** How deep JSON is nested, before it is parsed: what is too deep costs no memory and no stack. */

const QUOTE = 34;
const BACKSLASH = 92;
const OPENING = new Set([91, 123]); // [ {
const CLOSING = new Set([93, 125]); // ] }

/** Wrong JSON gets some answer too; the parser will refuse it. Linear in the length. */
export function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = closingQuote(text, at);
    } else if (OPENING.has(character)) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (CLOSING.has(character)) {
      depth -= 1;
    }
  }
  return false;
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
