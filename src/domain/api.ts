/** The JSON-RPC methods as one table: dispatch, validation, the client's types and the documentation come from it. */
import * as z from 'zod';
import { absolutePathSchema, appSchema, envSchema, mount as mountSchema, pixels, textSchema } from './app.ts';
import { EXEC_SIGNALS, type ExecResult } from './exec.ts';
import type { EventPage } from './events.ts';
import type { Explanation, ImageEntry } from './hibernation.ts';
import type { Health } from './health.ts';
import type { History } from './history.ts';
import type { AppInfo, AppSummary, StorageEntry } from './info.ts';
import type { Limits } from './limits.ts';
import type { PackageStore, Pruned } from './packages.ts';
import type { Done, EngineReport, LogPage, Screenshot, Started, StorageRepair, Version } from './results.ts';
import type { ViewAddress } from './wire.ts';
import { orNull, rdkWordsSchema } from './rdk-words.ts';
import { setLimits } from './set-limits.ts';
import { WIRE_STATES } from './states.ts';
import { SPEC_FORMATS, type GeneratedSpec } from './spec.ts';

export { CALLSIGN } from './wire.ts';
export type { Done, EngineReport, LogLine, LogPage, Screenshot, Started, StorageRepair, Version } from './results.ts';

/** Checked further by domain/ids: the schema only says that there is text. */
const id = z.string();
const one = z.strictObject({ appInstanceId: id });
const ofApp = z.strictObject({ appId: id });
const nothing = z.strictObject({}).optional();
const uint32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);

const run = z.strictObject({
  appId: id,
  /** Made as a UUID when absent or empty. */
  appInstanceId: id.optional(),
  userId: uint32.optional(),
  groupId: uint32.optional(),
  ports: orNull(z.array(z.int().min(1).max(65_535))),
  paths: orNull(z.array(z.string())),
  debugSettings: orNull(z.array(z.string())),
  runtimeConfigObject: rdkWordsSchema.optional(),
  app: appSchema.optional(),
});

const generateSpec = run.extend({
  /** Which app; absent with nothing but `appInstanceId`: what that instance has. */
  appId: id.optional(),
  /** An OCI runtime configuration, or what Dobby takes. */
  format: z.enum(SPEC_FORMATS).default('oci'),
  /** Tell of every field which layer set it. */
  explain: z.boolean().default(false),
});

const wake = z
  .strictObject({
    appInstanceId: id,
    /** What it is to be afterwards, in our words. */
    target: z.enum(['RUNNING', 'SUSPENDED']).optional(),
    /** Upstream's; what it means is the setting `rdk.wakeTarget`. */
    runtimeState: z
      .union([z.enum(WIRE_STATES), uint32], {
        error: 'must name a state, as RUNTIME_STATE_RUNNING does, or be its number',
      })
      .nullable()
      .optional(),
  })
  .refine(
    ({ target, runtimeState }) => target === undefined || runtimeState === undefined,
    'has both target and runtimeState: give one of them',
  );

const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 1024;
const key = z
  .string()
  .regex(
    new RegExp(`^\\P{Cc}{1,${MAX_KEY_LENGTH}}$`, 'u'),
    `must have 1 to ${MAX_KEY_LENGTH} characters, none of them a control character`,
  );
/** Nothing is changed when the annotations have another revision (`annotationRevision` of `getInfo`). */
const revision = z.int().min(0).optional();

const annotate = z.strictObject({ appInstanceId: id, key, value: z.string().max(MAX_VALUE_LENGTH), revision });
const removeAnnotation = z.strictObject({ appInstanceId: id, key, revision });

/** It is written into CRIU's configuration. */
const DESTINATION = /^[^"\\[\]\p{Cc}]*$/u;
const destination = mountSchema.shape.destination.refine(
  (path) => DESTINATION.test(path),
  'must not contain ", \\, [, ] or control characters',
);

const mount = z.strictObject({ appInstanceId: id, ...mountSchema.shape, destination });
const unmount = z.strictObject({ appInstanceId: id, destination });

/** Chosen by the caller, for one program of one connection. */
const stream = z.string().regex(/^[\w.-]{1,64}$/, 'must have 1 to 64 characters of A-Z a-z 0-9 _ . -');

const exec = z.strictObject({
  appInstanceId: id,
  args: z.array(textSchema).min(1).max(4096),
  env: envSchema.default({}),
  cwd: absolutePathSchema.optional(),
  /** The app's own, or absent: no other user is in the app. */
  user: uint32.optional(),
  /** It is killed when it takes longer, in ms; absent: it may take as long as the caller listens. */
  timeoutMs: z.int().min(1).max(86_400_000).optional(),
  /** Given to it as its whole input. Absent: none; with `stream`: what `execInput` sends. */
  stdin: z.string().optional(),
  stream: stream.optional(),
  /** With `stream`: its output comes as binary messages. */
  binary: z.boolean().default(false),
});

const execInput = z.strictObject({
  stream,
  /** Base64. */
  data: z.base64().optional(),
  /** No more input comes. */
  end: z.boolean().default(false),
  /** For the program and its process group. */
  signal: z.enum(EXEC_SIGNALS).optional(),
});

const getHistory = z.strictObject({
  appInstanceId: id,
  /** The last so many events. */
  limit: z.int().min(1).max(10_000).default(1000),
});

const getEvents = z.strictObject({
  /** Events after this number. */
  since: z.int().min(0),
  limit: z.int().min(1).max(10_000).default(1000),
  appInstanceId: id.optional(),
});

const setVisible = z.strictObject({ appInstanceId: id, visible: z.boolean() });

const setZOrder = z.strictObject({
  appInstanceId: id,
  /** Whoever has the higher one is in front; 0 at the beginning. */
  zOrder: z.int().min(-1_000_000).max(1_000_000),
});

const resizeDisplay = z.strictObject({ appInstanceId: id, width: pixels, height: pixels });

const getLogs = z.strictObject({
  appInstanceId: id,
  /** Where the last answer ended; absent: from the beginning, or the last `tail` lines. */
  cursor: z.string().max(200).optional(),
  tail: z.int().min(0).max(100_000).optional(),
  /** At most this many lines an answer. */
  limit: z.int().min(1).max(10_000).default(1000),
  /** Wait this long for the first new line, in ms. */
  waitMs: z.int().min(0).max(30_000).default(0),
  /** Of the run before the present one, as after a restart. */
  previous: z.boolean().default(false),
});

export const METHODS = {
  run: { params: run, doc: 'Start an app in a container of its own.' },
  suspend: { params: one, doc: 'Freeze every process of the app at once.' },
  resume: { params: one, doc: 'Let a suspended app go on.' },
  hibernate: { params: one, doc: 'Write the app to disk and take it out of memory (checkpoint).' },
  wake: { params: wake, doc: 'Bring a hibernated app back where it was (restore).' },
  explainHibernation: {
    params: one,
    doc: 'What stands in the way of hibernating an app, or made the last attempt fail.',
  },
  terminate: { params: one, doc: 'End the app: SIGTERM (or its own stop signal), a grace period, then SIGKILL.' },
  kill: { params: one, doc: 'End the app at once, from any state.' },
  annotate: { params: annotate, doc: 'Note a text of your own with an instance, in any state.' },
  removeAnnotation: { params: removeAnnotation, doc: 'Take a note away again.' },
  setLimits: {
    params: setLimits,
    doc: 'Give an app other limits while it runs or is suspended; of one that sleeps they hold when it wakes.',
  },
  mount: {
    params: mount,
    doc: 'Show a directory or file of the host in an app that runs or is suspended, until its run ends.',
  },
  unmount: { params: unmount, doc: 'Take away what `mount` has brought.' },
  exec: {
    params: exec,
    doc: 'Run a program in an app that runs, with its identity and restrictions, and wait for its end.',
  },
  execInput: { params: execInput, doc: 'Send input or a signal to a program that this connection runs with `stream`.' },
  getHistory: {
    params: getHistory,
    doc: 'What happened to an instance, who asked for it, why, and how long each state lasted; also long after its end.',
  },
  getHealth: { params: nothing, doc: 'What is wrong now, why, and what mends it; and what all apps share.' },
  getInfo: { params: one, doc: 'Everything known about one instance.' },
  generateSpec: {
    params: generateSpec,
    doc: 'What `run` would make of the same parameters, without doing it; or what an instance was made of.',
  },
  list: {
    params: z.strictObject({ all: z.boolean().default(false) }).prefault({}),
    doc: 'All living instances; with `all` the ended ones still known too.',
  },
  getLogs: { params: getLogs, doc: 'What the app wrote to stdout and stderr.' },
  getScreenshot: { params: one, doc: "What is on the app's display, or was when it fell asleep." },
  setVisible: {
    params: setVisible,
    doc: "Show or hide an app's display; a hidden one draws nothing and gets no input. A suspended app has it so when it runs on.",
  },
  setFocus: { params: one, doc: "Give an app's display the focus, which another one loses." },
  setZOrder: { params: setZOrder, doc: "Move an app's display in front of others, or behind them." },
  resizeDisplay: { params: resizeDisplay, doc: "Give an app's display another size; its windows follow." },
  getView: { params: one, doc: "Where an app's display can be looked at and used live, with a browser." },
  getEvents: { params: getEvents, doc: 'The durable event log after a number.' },
  listStorage: { params: nothing, doc: "Every app's private directory, and how much is in it." },
  clearStorage: {
    params: ofApp,
    doc: 'Delete everything in the private directory of an app that has no instance, and keep its user id.',
  },
  deleteStorage: {
    params: ofApp,
    doc: 'Delete the private directory of an app that has no instance; its user id may go to another app later.',
  },
  repairStorage: {
    params: ofApp,
    doc: 'Repair the damaged file system of an app with limited storage, and say what was lost. Nothing may have it mounted.',
  },
  listImages: {
    params: nothing,
    doc: 'The images of apps that sleep: how large they are, and whether they would survive a power cut.',
  },
  listPackages: {
    params: nothing,
    doc: 'Images that were unpacked, and packages that are mounted: how large, and by whom they are used.',
  },
  prunePackages: { params: nothing, doc: 'Delete unpacked images that no instance uses.' },
  getEngine: { params: nothing, doc: 'What runs the apps, whether it answers, what it can and what it cannot do.' },
  version: { params: nothing, doc: 'Version, engine and place of the daemon.' },
} as const;

export type MethodName = keyof typeof METHODS;
export type MethodInput<Name extends MethodName> = z.input<(typeof METHODS)[Name]['params']>;
export type MethodParams<Name extends MethodName> = z.output<(typeof METHODS)[Name]['params']>;

/** Result forms inside our programs; on the wire `getInfo` is a JSON string and void results are null, as upstream's are. */
export type MethodResults = {
  run: Started;
  suspend: Done;
  resume: Done;
  hibernate: Done;
  wake: Done;
  explainHibernation: Explanation;
  terminate: Done;
  kill: Done;
  annotate: Done;
  removeAnnotation: Done;
  setLimits: Limits;
  mount: Done;
  unmount: Done;
  exec: ExecResult;
  execInput: null;
  getHistory: History;
  getHealth: Health;
  getInfo: AppInfo;
  generateSpec: GeneratedSpec;
  list: readonly AppSummary[];
  getLogs: LogPage;
  getScreenshot: Screenshot;
  setVisible: Done;
  setFocus: Done;
  setZOrder: Done;
  resizeDisplay: Done;
  getView: ViewAddress;
  getEvents: EventPage;
  listStorage: readonly StorageEntry[];
  clearStorage: Done;
  deleteStorage: Done;
  repairStorage: StorageRepair;
  listImages: readonly ImageEntry[];
  listPackages: PackageStore;
  prunePackages: Pruned;
  getEngine: EngineReport;
  version: Version;
};
