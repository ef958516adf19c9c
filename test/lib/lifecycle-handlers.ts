/**
 * What each state of RDK's LifecycleManager asks of its neighbours when it is entered (entservices-appmanagers, LifecycleManager/State.cpp,
 * RuntimeManagerHandler.cpp, WindowManagerHandler.cpp, at c2a2a96).
 */
import { randomUUID } from 'node:crypto';
import { numberOf, type Lifecycle } from './lifecycle-states.ts';
import type { Answer } from './thunder-link.ts';

/** RuntimeManagerHandler.cpp, FIREBOLT_ENDPOINT_APPACCESS_PORT. */
const FIREBOLT_PORT = 3473;

/** RuntimeManagerHandler.cpp: the methods of Exchange::IRuntimeManager that it calls. */
export type RuntimeManagerCalls = (
  method: 'run' | 'kill' | 'terminate' | 'hibernate' | 'wake',
  params: { readonly appInstanceId: string } & Readonly<Record<string, unknown>>,
) => Promise<Answer>;

/** WindowManagerHandler.cpp: what it asks of org.rdk.RDKWindowManager. */
export type WindowManagerCalls = {
  /** Undefined: an error code. */
  readonly renderReady: (client: string) => boolean | undefined;
  readonly enableDisplayRender: (client: string, render: boolean) => void;
};

/** As PackageManager hands it over. */
export type RuntimeConfig = Readonly<Record<string, unknown>> & { readonly envVariables: string };

/** ApplicationContext.h */
export type Context = {
  readonly appId: string;
  appInstanceId: string;
  readonly runtimeConfig: RuntimeConfig;
  state: Lifecycle;
  target: Lifecycle;
  pendingTransition: boolean;
  pendingEvent: string;
  pendingStates: readonly Lifecycle[];
  pendingOld: Lifecycle;
  force: boolean;
  terminated: boolean;
  unexpectedTermination: boolean;
};

export type Neighbours = { readonly runtime: RuntimeManagerCalls; readonly windows: WindowManagerCalls };

/** Enters a state; text: it was not entered, and why. */
type Handle = (context: Context, neighbours: Neighbours) => Promise<string | undefined> | string | undefined;

function waitFor(context: Context, event: string): void {
  Object.assign(context, { pendingEvent: event, pendingTransition: true });
}

/** State.cpp, the function `handle` of each. */
export const HANDLERS: Readonly<Partial<Record<Lifecycle, Handle>>> = {
  LOADING: (context) => {
    context.appInstanceId = randomUUID();
    return undefined;
  },
  // it begins to wait for RUNNING when `run` has returned: an earlier one is lost
  INITIALIZING: async (context, { runtime }) => {
    const { error } = await runtime('run', runParams(context));
    if (error !== undefined) return 'unable to start running application';
    waitFor(context, 'onAppRunning');
    return undefined;
  },
  PAUSED: ({ state, appInstanceId }, { windows }) => {
    // `resume` of the runtime manager is commented out
    if (state === 'SUSPENDED') windows.enableDisplayRender(appInstanceId, true);
    return ['INITIALIZING', 'SUSPENDED', 'ACTIVE'].includes(state) ? undefined : '';
  },
  ACTIVE: (context, { windows }) => {
    const isReady = windows.renderReady(context.appInstanceId);
    if (isReady === undefined) return '';
    if (!isReady) waitFor(context, 'onFirstFrame');
    return undefined;
  },
  SUSPENDED: async ({ state, appInstanceId }, { runtime, windows }) => {
    if (state !== 'HIBERNATED') {
      // `suspend` of the runtime manager is commented out
      windows.enableDisplayRender(appInstanceId, false);
      return undefined;
    }
    const { error } = await runtime('wake', { appInstanceId, runtimeState: 'RUNTIME_STATE_SUSPENDED' });
    return error && 'unable to wakeup application';
  },
  HIBERNATED: async ({ appInstanceId }, { runtime }) => {
    const { error } = await runtime('hibernate', { appInstanceId });
    return error && 'unable to hibernate application';
  },
  // it begins to wait for the end when the call has returned, and is in TERMINATING after that: an earlier one is unexpected
  TERMINATING: async (context, { runtime }) => {
    const { appInstanceId, force, terminated } = context;
    if (terminated) return undefined;
    const { error } = await runtime(force ? 'kill' : 'terminate', { appInstanceId });
    if (error !== undefined) return `unable to ${force ? 'kill' : 'terminate'} application`;
    waitFor(context, 'onAppTerminating');
    return undefined;
  },
};

/** RuntimeManagerHandler.cpp, RuntimeManagerHandler::run. */
function runParams({ appId, appInstanceId, runtimeConfig, target }: Context) {
  const environment = [
    ...(JSON.parse(runtimeConfig.envVariables) as readonly string[]),
    `FIREBOLT_ENDPOINT=ws://127.0.0.1:${FIREBOLT_PORT}/?session=${appInstanceId}`,
    `TARGET_STATE=${numberOf(target)}`,
  ];
  return {
    ...{ appId, appInstanceId, userId: 0, groupId: 0, ports: [FIREBOLT_PORT], paths: [], debugSettings: [] },
    runtimeConfigObject: { ...runtimeConfig, dialId: appId, envVariables: JSON.stringify(environment) },
  };
}
