/** The parameters of `run` as one order: RDK's RuntimeConfig and our own description become the same thing. */
import type { MethodParams } from '../../domain/api.ts';
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { appId, appInstanceId, newAppInstanceId, type AppId, type AppInstanceId } from '../../domain/ids.ts';
import { fromRuntimeConfig } from '../../spec/from-runtime-config.ts';
import { refuseUnsupported } from '../../spec/unsupported.ts';

import type { LeaseWish } from '../user-ids.ts';

export type RunOrder = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  readonly app: App;
  /** Ids the caller insists on. */
  readonly ids: Omit<LeaseWish, 'appId'>;
};

type RunParams = MethodParams<'run'>;

/** Throws INVALID_ARGUMENT, NOT_SUPPORTED. */
export function readOrder(params: RunParams): RunOrder {
  const { runtimeConfigObject: config } = params;
  const app = appOf(params);
  refuseUnsupported(app);
  // 0 and absent mean the same: Runtime Manager chooses. Upstream reads the ids of the configuration only.
  const uid = config?.userId || params.userId || undefined;
  const gid = config?.groupId || params.groupId || undefined;
  return {
    appId: appId(params.appId),
    appInstanceId:
      params.appInstanceId === undefined || params.appInstanceId === ''
        ? newAppInstanceId()
        : appInstanceId(params.appInstanceId),
    app,
    ids: { uid, gid },
  };
}

function appOf({ app, runtimeConfigObject, ports, paths, debugSettings }: RunParams): App {
  if (app !== undefined && runtimeConfigObject === undefined) return app;
  if (app === undefined && runtimeConfigObject !== undefined) {
    return fromRuntimeConfig({ runtimeConfig: runtimeConfigObject, ports, paths, debugSettings }).app;
  }
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: app === undefined ? 'nothing says what to run' : 'both app and runtimeConfigObject say what to run',
    next: "give either app (our description) or runtimeConfigObject (RDK's)",
  });
}
