/** What is read from state.db: records of this program, unless a disk, a tool or a person has changed them. */
import * as z from 'zod';
import { MOVES, type State } from '../../domain/states.ts';
import type { DamagedRecord, InstanceRecord, UserIdLease } from '../../ports/journal.ts';

type Row = Readonly<Record<string, unknown>>;

const id = z.string().min(1);
const orNull = z.looseObject({}).nullable();

/** Without what every reader of a record relies on it is none; the rest may be of an older version. */
const instance = z.looseObject({
  appInstanceId: id,
  appId: id,
  containerId: id,
  state: z.enum(Object.keys(MOVES) as State[]),
  app: z.looseObject({ rootfs: z.looseObject({}), storage: z.looseObject({}) }),
  uid: z.int(),
  gid: z.int(),
  live: z.looseObject({ init: z.looseObject({ pid: z.int(), startTime: z.string() }) }).nullable(),
  bootId: z.string(),
  createdAt: z.string(),
  exit: orNull,
  released: z.boolean(),
  hibernation: orNull,
  restart: orNull,
  mounts: z.array(z.unknown()),
  annotations: z.record(z.string(), z.string()),
});

const lease = z.looseObject({ appId: id, uid: z.int().min(1), gid: z.int(), releasedAt: z.string().nullable() });

type Kind = { readonly what: DamagedRecord['what']; readonly schema: z.ZodType; readonly column: string };
export type Read<Whole> = { readonly whole: readonly Whole[]; readonly damaged: readonly DamagedRecord[] };

/** `id`, the row's own key, must be the one that the record has. */
function readRows(rows: readonly Row[], { what, schema, column }: Kind, keyOf: (record: never) => string) {
  const whole: unknown[] = [];
  const damaged: DamagedRecord[] = [];
  for (const row of rows) {
    const key = String(row['key']);
    const read = schema.safeParse(jsonOf(row[column]));
    if (read.success && keyOf(read.data as never) === key) whole.push(read.data);
    else damaged.push({ what, id: key });
  }
  return { whole, damaged };
}

/** Undefined for what is no JSON: the caller tells it as damaged, or leaves it out. */
export function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text)) as unknown;
  } catch {
    return undefined;
  }
}

export const readInstances = (rows: readonly Row[]): Read<InstanceRecord> =>
  readRows(
    rows,
    { what: 'instance', schema: instance, column: 'record' },
    (record: InstanceRecord) => record.appInstanceId,
  ) as Read<InstanceRecord>;

export const readLeases = (rows: readonly Row[]): Read<UserIdLease> =>
  readRows(
    rows,
    { what: 'user id', schema: lease, column: 'lease' },
    (record: UserIdLease) => record.appId,
  ) as Read<UserIdLease>;
