/** Sizes as people write them. */
import { RuntimeError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes of `64M`, `1.5GiB`, `4096`: powers of 1024, case does not matter. Throws INVALID_ARGUMENT. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const bytes = Number(match?.[1]) * (UNITS[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN);
  if (Number.isSafeInteger(Math.round(bytes))) return Math.round(bytes);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${JSON.stringify(text)} is not a size`,
    next: 'write it like 64M, 1.5G or 4096',
  });
}

/** `12.3 MB` for people. */
export function formatSize(bytes: number): string {
  const exponent = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * exponent);
  return `${exponent === 0 ? value : value.toFixed(1)} ${['B', 'KB', 'MB', 'GB', 'TB'][exponent] ?? 'B'}`;
}
