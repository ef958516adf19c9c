/** What a command is, and what it gets. */
import type { Address } from '../client/address.ts';
import type { Operation, State } from '../domain/states.ts';
import type { Output } from './output.ts';

/** What a word may be, for completion. `instance` with an operation: only instances whose state allows it; with states: in one of them. */
export type Words =
  | { readonly kind: 'file' | 'directory' | 'any' }
  | { readonly kind: 'instance'; readonly operation?: Operation; readonly states?: readonly State[] }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

export const ANY: Words = { kind: 'any' };
export const FILE: Words = { kind: 'file' };
export const DIRECTORY: Words = { kind: 'directory' };
export const INSTANCE: Words = { kind: 'instance' };

export type OptionRow = {
  /** As commander reads them: `-f, --follow`, `--tail <n>`. */
  readonly flags: string;
  readonly doc: string;
  /** May be given several times. */
  readonly many?: true;
  readonly words?: Words;
};

export type CommandRow = {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly doc: string;
  /** As commander reads them: `<ids...>`, `[command...]`. */
  readonly operands?: string;
  /** What each operand may be; the last one stands for all that follow. */
  readonly words?: readonly Words[];
  readonly options: readonly OptionRow[];
  readonly example: string;
  /** Its code, loaded when it is run. */
  readonly load: () => Promise<Command>;
};

/** What commands want of the environment besides where the daemon is. */
export type Environment = Readonly<
  Record<'TERM' | 'PATH' | 'RUNTIME_MANAGER_TOOLS' | 'THUNDER_ACCESS', string | undefined>
>;

export type Invocation = {
  readonly name: string;
  readonly operands: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly daemon: Address;
  readonly output: Output;
  readonly cwd: string;
  readonly environment: Environment;
};

/** Returns the exit status; throws RuntimeError. */
export type Command = (invocation: Invocation) => Promise<number>;
