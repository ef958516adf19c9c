/** Values that several commands read from the words they were typed in. */
import { resolve } from 'node:path';
import { wrong } from './options.ts';

/** Throws INVALID_ARGUMENT. */
export function envOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw wrong('--env', text, 'NAME=value');
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

/** Milliseconds of `500ms`, `10s`, `1.5m`; a bare number is seconds. Throws INVALID_ARGUMENT. */
export function durationOf(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  if (match === null) throw wrong(option, text, 'a time like 10s or 500ms');
  const unitMs = { ms: 1, s: 1000, m: 60_000 }[match[2] ?? 's'] ?? 1000;
  return Math.round(Number(match[1]) * unitMs);
}

/** `SOURCE:DESTINATION`, with `:ro` for read-only. Throws INVALID_ARGUMENT. */
export function mountOf(option: string, text: string, cwd: string) {
  const match = /^([^:]+):([^:]+)(?::(ro|rw))?$/.exec(text);
  const [, source, destination, mode] = match ?? [];
  if (source === undefined || destination === undefined) {
    throw wrong(option, text, 'SOURCE:DESTINATION or SOURCE:DESTINATION:ro');
  }
  return { source: resolve(cwd, source), destination, readOnly: mode === 'ro' };
}

/** Pixels of `1280x720`. Throws INVALID_ARGUMENT. */
export function sizeOf(option: string, text: string) {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  if (match === null) throw wrong(option, text, 'WIDTHxHEIGHT, for example 1280x720');
  return { width: Number(match[1]), height: Number(match[2]) };
}
