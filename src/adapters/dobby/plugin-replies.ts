/** What org.rdk.OCIContainer says, read with care: builds differ in what they leave out (facts/thunder.md §3.1). */
import * as z from 'zod';
import type { DobbyState } from './calls.ts';
import type { Word } from './containers.ts';

const numberOrText = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number),
]);
const number = numberOrText.optional().catch(undefined);
const text = z.string().catch('');

/** Objects inside are `raw JSON`; older builds send them as text. */
const inside = z
  .unknown()
  .transform((value) => (typeof value === 'string' ? parsed(value) : value))
  .optional();

const replySchema = z.object({
  success: z.boolean().catch(false),
  errorReason: text,
  descriptor: number,
  state: text,
  containers: inside,
  info: inside,
});
export type Reply = z.infer<typeof replySchema>;

const containersSchema = z.array(z.object({ Descriptor: numberOrText, Id: z.string() }));

const eventSchema = z.object({ containerId: text, name: text, exitCode: number });

/** Of an answer that is none: that of a failure without a reason. */
export const membersOf = (result: unknown): Reply =>
  replySchema.safeParse(result).data ?? replySchema.parse({ success: false });

/** Name → descriptor. Left out when there are none. */
export function listedIn({ containers }: Reply): ReadonlyMap<string, number> {
  const all = containersSchema.safeParse(containers).data ?? [];
  return new Map(all.map(({ Descriptor, Id }) => [Id, Descriptor]));
}

const STATES: Readonly<Record<string, DobbyState>> = {
  ...{ starting: 'starting', running: 'running', stopping: 'stopping', paused: 'paused' },
  ...{ hibernating: 'hibernating', hibernated: 'hibernated', awakening: 'awakening' },
};

/** Older documentation writes them as words (Running). INVALID and STOPPED: it is not there. */
export const stateIn = ({ state }: Reply): DobbyState => STATES[state.toLowerCase()] ?? 'gone';

/** The plugin looks `containerId` up by the descriptor, which may be another container's by then; `name` is the one that is meant. */
export function nameIn(params: unknown): string | undefined {
  const { data } = eventSchema.safeParse(params);
  return data?.name || data?.containerId || undefined;
}

/**
 * Undefined when it names nobody. `exitCode` is WEXITSTATUS, or -1 for an end by a signal, whichever (Dobby's client library); builds
 * up to 1.0.8 have none.
 */
export function wordIn(params: unknown): Omit<Word, 'life'> | undefined {
  const name = nameIn(params);
  const exitCode = eventSchema.safeParse(params).data?.exitCode;
  if (name === undefined) return undefined;
  const code = exitCode === undefined || exitCode < 0 ? null : exitCode & 0xff;
  return { name, descriptor: null, code, ...(exitCode === -1 && { bySignal: true }) };
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
