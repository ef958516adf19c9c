/**
 * RDK's LifecycleManager, as its sources state it (entservices-appmanagers, directory LifecycleManager, at c2a2a96): which state leads to
 * which, what each state asks of the runtime manager and of the window manager, and what it makes of their events. Each rule names file
 * and function. What looks careless in it is so in the real one.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, EventParams } from './thunder-link.ts';

export type Lifecycle =
  'UNLOADED' | 'LOADING' | 'INITIALIZING' | 'PAUSED' | 'ACTIVE' | 'SUSPENDED' | 'HIBERNATED' | 'TERMINATING';

/** StateHandler.cpp, StateHandler::initialize: from where each state is entered. */
const PRECEDING: Readonly<Record<Lifecycle, readonly Lifecycle[]>> = {
  UNLOADED: [],
  LOADING: ['UNLOADED'],
  INITIALIZING: ['LOADING'],
  PAUSED: ['INITIALIZING', 'ACTIVE', 'SUSPENDED'],
  ACTIVE: ['PAUSED'],
  SUSPENDED: ['INITIALIZING', 'PAUSED', 'HIBERNATED'],
  HIBERNATED: ['SUSPENDED'],
  TERMINATING: ['PAUSED', 'SUSPENDED'],
};

/** ILifecycleManager.h, LifecycleState: what TARGET_STATE says. */
const NUMBERS: readonly Lifecycle[] = [
  ...(['UNLOADED', 'LOADING', 'INITIALIZING', 'PAUSED'] as const),
  ...(['ACTIVE', 'SUSPENDED', 'HIBERNATED', 'TERMINATING'] as const),
];

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

/** Of OnAppStateChanged and OnAppLifecycleStateChanged; `old` undefined: an onFailure. */
export type Told = {
  readonly appId: string;
  readonly old: Lifecycle | undefined;
  readonly now: Lifecycle;
  readonly errorReason: string;
  readonly unexpectedTermination: boolean;
};

type Neighbours = { readonly runtime: RuntimeManagerCalls; readonly windows: WindowManagerCalls };

export class LifecycleManager {
  /** What AppManager hears. */
  readonly told: Told[] = [];
  readonly #loaded: Context[] = [];
  readonly #neighbours: Neighbours;
  /** StateTransitionHandler.cpp, initialize: one thread takes the requests of all apps in turn. */
  #thread: Promise<unknown> = Promise.resolve();

  constructor(neighbours: Neighbours) {
    this.#neighbours = neighbours;
  }

  context(appId: string): Context | undefined {
    return this.#loaded.find((one) => one.appId === appId);
  }

  /** LifecycleManagerImplementation.cpp, SpawnApp. */
  spawnApp(appId: string, target: Lifecycle, runtimeConfig: RuntimeConfig): void {
    const known = this.context(appId);
    const context: Context = known ?? { ...NEW, appId, runtimeConfig, target };
    if (known === undefined) this.#loaded.push(context);
    this.#request(context, target);
  }

  /** LifecycleManagerImplementation.cpp, SetTargetAppState. False: ERROR_GENERAL. */
  setTargetAppState(appId: string, target: Lifecycle): boolean {
    const context = this.context(appId);
    if (context === undefined) return false;
    if (target === context.state) return true;
    if (context.pendingTransition) return false;
    this.#request(context, target);
    return true;
  }

  /** LifecycleManagerImplementation.cpp, UnloadApp and KillApp. False: ERROR_GENERAL. */
  endApp(appId: string, force: boolean): boolean {
    const context = this.context(appId);
    if (context === undefined || context.pendingTransition) return false;
    context.force = force;
    this.#request(context, 'TERMINATING');
    return true;
  }

  /** LifecycleManagerImplementation.cpp, AppReady: Firebolt says that the app is there. */
  appReady(appId: string): void {
    const context = this.context(appId);
    if (context !== undefined && context.pendingTransition && context.pendingEvent === 'onAppReady') {
      this.#resume(context, 'onAppReady');
    }
  }

  /** LifecycleManagerImplementation.cpp, handleRuntimeManagerEvent. */
  onRuntimeManagerEvent(event: string, { appInstanceId, state, error = '' }: EventParams): void {
    const context = this.#loaded.find((one) => one.appInstanceId === appInstanceId);
    if (event === 'onTerminated' && context !== undefined) this.#onTerminated(context);
    if (event === 'onStateChanged' && state === 'RUNTIME_STATE_RUNNING' && context !== undefined) {
      this.#resume(context, 'onAppRunning');
    }
    // notifyOnFailure: whatever has failed, AppManager is told that the app is gone
    if (event === 'onFailure') {
      this.told.push({
        appId: context?.appId ?? '',
        ...{ old: undefined, now: 'UNLOADED', errorReason: error, unexpectedTermination: false },
      });
    }
  }

  /** LifecycleManagerImplementation.cpp, handleWindowManagerEvent. */
  onWindowReady(client: string): void {
    const context = this.#loaded.find((one) => one.appInstanceId === client);
    if (context !== undefined) this.#resume(context, 'onFirstFrame');
  }

  #onTerminated(context: Context): void {
    if (context.state === 'TERMINATING') {
      this.#resume(context, 'onAppTerminating');
      return;
    }
    context.unexpectedTermination = true;
    context.force = false;
    context.terminated = true;
    this.#request(context, 'TERMINATING');
  }

  /** LifecycleManagerImplementation.cpp, addStateTransitionRequest: what is not waited for is only logged. */
  #resume(context: Context, event: string): void {
    if (context.pendingTransition && context.pendingEvent === event) this.#enqueue(context, context.target);
  }

  #request(context: Context, target: Lifecycle): void {
    context.target = target;
    // ApplicationContext.cpp, resetPendingStates
    Object.assign(context, { pendingTransition: false, pendingStates: [], pendingEvent: '' });
    this.#enqueue(context, target);
  }

  #enqueue(context: Context, target: Lifecycle): void {
    this.#thread = this.#thread.then(() => this.#changeState(context, target));
  }

  /** StateHandler.cpp, StateHandler::changeState. */
  async #changeState(context: Context, target: Lifecycle): Promise<void> {
    const { state } = context;
    if (context.pendingTransition && state !== 'TERMINATING' && context.pendingOld !== state) {
      this.#tell(context, context.pendingOld, state, '');
    }
    if (!context.pendingTransition && state === target) return;
    const path = context.pendingTransition ? context.pendingStates : pathTo(state, target);
    if (path === undefined) return;
    context.pendingTransition = false;
    const { last, unloadedFrom } = await this.#follow(context, path, target);
    if (context.pendingTransition) {
      const isBefore = context.pendingEvent === 'onAppReady' && last > 0;
      context.pendingStates = last === -1 ? [] : path.slice(isBefore ? last - 1 : last);
    } else Object.assign(context, { pendingStates: [], pendingEvent: '' });
    if (unloadedFrom !== undefined) this.#tell(context, unloadedFrom, 'UNLOADED', '');
  }

  /** The loop of changeState. */
  async #follow(context: Context, path: readonly Lifecycle[], target: Lifecycle): Promise<Followed> {
    let unloadedFrom: Lifecycle | undefined;
    for (const [index, next] of path.entries()) {
      if (index === 0) continue;
      const old = context.state;
      if (next === 'TERMINATING') {
        this.#tell(context, old, next, '');
        if ((await this.#updateState(context, next)) !== undefined) break;
        if (context.pendingTransition) return { last: index, unloadedFrom };
        continue;
      }
      const waitsForApp = old === 'INITIALIZING' && next === 'PAUSED' && context.pendingEvent !== 'onAppReady';
      if (waitsForApp && target !== 'TERMINATING') {
        Object.assign(context, { pendingEvent: 'onAppReady', pendingTransition: true, pendingOld: old });
        return { last: index, unloadedFrom };
      }
      const failure = await this.#updateState(context, next);
      if (failure !== undefined) {
        this.#tell(context, old, old, failure);
        break;
      }
      if (context.pendingTransition) {
        context.pendingOld = old;
        return { last: index, unloadedFrom };
      }
      if (next === 'UNLOADED') unloadedFrom = old;
      else this.#tell(context, old, next, '');
    }
    return { last: -1, unloadedFrom };
  }

  /** StateHandler.cpp, StateHandler::updateState: the state is entered when its `handle` has returned. Undefined: it was. */
  async #updateState(context: Context, next: Lifecycle): Promise<string | undefined> {
    if (context.state === next) return undefined;
    const failure = await HANDLERS[next]?.(context, this.#neighbours);
    if (failure === undefined) context.state = next;
    return failure;
  }

  /** StateHandler.cpp, sendEvent; LifecycleManagerImplementation.cpp, Dispatch and handleStateChangeEvent. */
  #tell(context: Context, old: Lifecycle, now: Lifecycle, errorReason: string): void {
    const unexpectedTermination = now === 'UNLOADED' && context.unexpectedTermination;
    this.told.push({ appId: context.appId, old, now, errorReason, unexpectedTermination });
    if (now === 'UNLOADED') this.#loaded.splice(this.#loaded.indexOf(context), 1);
  }
}

type Followed = { readonly last: number; readonly unloadedFrom: Lifecycle | undefined };

const NEW: Omit<Context, 'appId' | 'runtimeConfig' | 'target'> = {
  ...{ appInstanceId: '', state: 'UNLOADED', pendingOld: 'UNLOADED', pendingTransition: false, pendingEvent: '' },
  ...{ pendingStates: [], force: false, terminated: false, unexpectedTermination: false },
};

/** StateHandler.cpp, isValidTransition and getStatePath: both ends included; undefined: there is no way. */
function pathTo(state: Lifecycle, target: Lifecycle): readonly Lifecycle[] | undefined {
  if (state === 'LOADING' && target === 'TERMINATING') return ['LOADING', 'UNLOADED'];
  const seen = new Set<Lifecycle>();
  const search = (to: Lifecycle): readonly Lifecycle[] | undefined => {
    if (to === state) return [to];
    seen.add(to);
    for (const from of PRECEDING[to]) {
      const way = seen.has(from) ? undefined : search(from);
      if (way !== undefined) return [...way, to];
    }
    return undefined;
  };
  const path = search(target);
  return target === 'TERMINATING' && path !== undefined ? [...path, 'UNLOADED'] : path;
}

/** Enters a state; text: it was not entered, and why. */
type Handle = (context: Context, neighbours: Neighbours) => Promise<string | undefined> | string | undefined;

const waitFor = (context: Context, event: string): undefined => {
  Object.assign(context, { pendingEvent: event, pendingTransition: true });
  return undefined;
};

/** State.cpp, the function `handle` of each. */
const HANDLERS: Readonly<Partial<Record<Lifecycle, Handle>>> = {
  LOADING: (context) => {
    context.appInstanceId = randomUUID();
    return undefined;
  },
  // it begins to wait for RUNNING when `run` has returned: an earlier one is lost
  INITIALIZING: async (context, { runtime }) => {
    const { error } = await runtime('run', runParams(context));
    return error === undefined ? waitFor(context, 'onAppRunning') : 'unable to start running application';
  },
  PAUSED: ({ state, appInstanceId }, { windows }) => {
    // `resume` of the runtime manager is commented out
    if (state === 'SUSPENDED') windows.enableDisplayRender(appInstanceId, true);
    return ['INITIALIZING', 'SUSPENDED', 'ACTIVE'].includes(state) ? undefined : '';
  },
  ACTIVE: (context, { windows }) => {
    const isReady = windows.renderReady(context.appInstanceId);
    if (isReady === undefined) return '';
    return isReady ? undefined : waitFor(context, 'onFirstFrame');
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
    return waitFor(context, 'onAppTerminating');
  },
};

/** RuntimeManagerHandler.cpp, RuntimeManagerHandler::run. */
function runParams({ appId, appInstanceId, runtimeConfig, target }: Context) {
  const environment = [
    ...(JSON.parse(runtimeConfig.envVariables) as readonly string[]),
    `FIREBOLT_ENDPOINT=ws://127.0.0.1:${FIREBOLT_PORT}/?session=${appInstanceId}`,
    `TARGET_STATE=${NUMBERS.indexOf(target)}`,
  ];
  return {
    ...{ appId, appInstanceId, userId: 0, groupId: 0, ports: [FIREBOLT_PORT], paths: [], debugSettings: [] },
    runtimeConfigObject: { ...runtimeConfig, dialId: appId, envVariables: JSON.stringify(environment) },
  };
}
