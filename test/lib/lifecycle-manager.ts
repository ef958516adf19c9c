/**
 * RDK's LifecycleManager, as its sources state it (entservices-appmanagers, directory LifecycleManager, at c2a2a96): which state leads to
 * which, what each state asks of the runtime manager and of the window manager, and what it makes of their events. Each rule names file
 * and function. What looks careless in it is so in the real one.
 */
import { HANDLERS, type Context, type Neighbours, type RuntimeConfig } from './lifecycle-handlers.ts';
import { pathTo, type Lifecycle } from './lifecycle-states.ts';
import type { EventParams } from './thunder-link.ts';

/** Of OnAppStateChanged and OnAppLifecycleStateChanged; `old` undefined: an onFailure. */
export type Told = {
  readonly appId: string;
  readonly old: Lifecycle | undefined;
  readonly now: Lifecycle;
  readonly errorReason: string;
  readonly unexpectedTermination: boolean;
};

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
      this.#tell(context, [context.pendingOld, state]);
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
    if (unloadedFrom !== undefined) this.#tell(context, [unloadedFrom, 'UNLOADED']);
  }

  /** The loop of changeState. */
  async #follow(context: Context, path: readonly Lifecycle[], target: Lifecycle): Promise<Followed> {
    let unloadedFrom: Lifecycle | undefined;
    for (const [index, next] of path.entries()) {
      if (index === 0) continue;
      const old = context.state;
      if (next === 'TERMINATING') {
        this.#tell(context, [old, next]);
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
        this.#tell(context, [old, old], failure);
        break;
      }
      if (context.pendingTransition) {
        context.pendingOld = old;
        return { last: index, unloadedFrom };
      }
      if (next === 'UNLOADED') unloadedFrom = old;
      else this.#tell(context, [old, next]);
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
  #tell(context: Context, [old, now]: Change, errorReason = ''): void {
    const unexpectedTermination = now === 'UNLOADED' && context.unexpectedTermination;
    this.told.push({ appId: context.appId, old, now, errorReason, unexpectedTermination });
    if (now === 'UNLOADED') this.#loaded.splice(this.#loaded.indexOf(context), 1);
  }
}

type Change = readonly [old: Lifecycle, now: Lifecycle];
type Followed = { readonly last: number; readonly unloadedFrom: Lifecycle | undefined };

const NEW: Omit<Context, 'appId' | 'runtimeConfig' | 'target'> = {
  ...{ appInstanceId: '', state: 'UNLOADED', pendingOld: 'UNLOADED', pendingTransition: false, pendingEvent: '' },
  ...{ pendingStates: [], force: false, terminated: false, unexpectedTermination: false },
};
