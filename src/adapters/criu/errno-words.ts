/** Error numbers in words: an operator must never have to look one up. */
import { getSystemErrorMap } from 'node:util';

const map = getSystemErrorMap();

/** Of errno(3), those that Node does not name and CRIU meets. */
const OTHERS: Readonly<Record<number, string>> = {
  38: 'function not implemented',
  61: 'no data available',
  71: 'protocol error',
  92: 'protocol not available',
  109: 'too many descriptors are on their way',
  116: 'stale file handle',
  122: 'disk quota exceeded',
};

/** `-22`, `22` and `ENOSPC` become words; what is words already stays. */
export function errnoWords(reason: string): string {
  if (/^-?\d+$/.test(reason)) {
    const number = Math.abs(Number(reason));
    return number === 0
      ? 'no reason was given'
      : (map.get(-number)?.[1] ?? OTHERS[number] ?? 'for a reason without a name');
  }
  if (/^E[A-Z0-9]+$/.test(reason)) return [...map.values()].find(([name]) => name === reason)?.[1] ?? reason;
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}

/** What the number means that a message ends in or gives as its result; undefined when there is none. */
export function numberInWords(text: string): string | undefined {
  const found = /(?:failed with|failed|returned|errno|errno[:=]|ret(?: =)?|rc:|:|\()\s*(-?\d{1,3})[)\s.]*$/.exec(
    text,
  )?.[1];
  return found === undefined || Math.abs(Number(found)) <= 1 ? undefined : errnoWords(found);
}
