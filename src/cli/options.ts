/** Values of options as the words they were typed in, read with care. */
import { RuntimeError } from '../domain/errors.ts';
import type { Invocation } from './command.ts';

type Options = Invocation['options'];

export const textOf = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const textsOf = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
};

export const isSet = (options: Options, name: string): boolean => options[name] === true;

/** As it is typed: `cpuShares` is `--cpu-shares`. */
const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Throws INVALID_ARGUMENT for anything but a number of plain digits. */
export function countOf(options: Options, name: string): number | undefined {
  const text = textOf(options, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw wrong(flagOf(name), text, 'a number like 10');
  return Number(text);
}

export const wrong = (option: string, text: string, form: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `${option} cannot be ${JSON.stringify(text)}`,
    next: `write ${option} as ${form}`,
  });
