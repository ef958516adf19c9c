/** Where a JSON text goes wrong: V8 often does not say. */

/** Line number from 1; undefined when the text is JSON. */
export function badLineOf(text: string): number | undefined {
  if (faultOf(text) === undefined) return undefined;
  const lines = text.split('\n');
  // The beginning of a good text is merely unfinished, so: the shortest one that is worse than that.
  let good = 0;
  let bad = lines.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUnfinished(lines.slice(0, middle).join('\n'))) good = middle;
    else bad = middle;
  }
  return bad;
}

function faultOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** The parser came to the end and wanted more. */
function isUnfinished(text: string): boolean {
  const fault = faultOf(text);
  if (fault === undefined || fault.includes('Unexpected end of JSON input')) return true;
  const position = /at position (\d+)/.exec(fault)?.[1];
  return position !== undefined && Number(position) >= text.trimEnd().length;
}
