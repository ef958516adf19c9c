/** What an image says about how to run it (image-spec: config.md), in the words of a bundle; and what of it changes nothing here. */
import * as z from 'zod';
import { isReserved, plainPath, type BundleConfig } from '../../domain/rootfs.ts';
import { signalNumber, STOP_SIGNAL_ANNOTATION } from '../../domain/signals.ts';
import { invalid } from './reference.ts';

const list = z.array(z.string()).nullish();
/** Each is a mount of its own. */
const MAX_VOLUMES = 64;
const names = z.record(z.string(), z.unknown()).nullish();

export const imageConfig = z.object({
  Entrypoint: list,
  Cmd: list,
  Env: list,
  WorkingDir: z.string().nullish(),
  Volumes: names.refine(
    (volumes) => Object.keys(volumes ?? {}).length <= MAX_VOLUMES,
    `must be at most ${MAX_VOLUMES}`,
  ),
  Labels: z.record(z.string(), z.string()).nullish(),
  StopSignal: z.string().nullish(),
  User: z.string().nullish(),
  ExposedPorts: names,
  Healthcheck: z.unknown().optional(),
  OnBuild: list,
});
type Asked = z.infer<typeof imageConfig>;

/**
 * `User` stays out: every app has ids of its own, and may read all of its image. What the image calls volumes are places to write to: a
 * tmpfs each, gone when the app ends; what is to stay belongs into /data.
 */
export function bundleOf(asked: Asked, source: string): BundleConfig {
  const { Entrypoint, Cmd, Env, WorkingDir, Volumes, Labels, StopSignal } = asked;
  const args = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  const cwd = WorkingDir === '' ? undefined : (WorkingDir ?? undefined);
  if (cwd !== undefined && !cwd.startsWith('/')) {
    const why = `has the working directory ${JSON.stringify(cwd)}, which is not absolute`;
    throw invalid(source, why, 'build the image again');
  }
  const volumes = Object.keys(Volumes ?? {}).map((path) => plainPath(path));
  const stop = StopSignal ?? '';
  return {
    args: args.length > 0 ? args : undefined,
    env: Env ?? [],
    cwd,
    hostname: undefined,
    mounts: volumes
      .filter((destination) => !isReserved(destination) && destination !== '/tmp')
      .map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', readOnly: false, options: ['mode=0755'] })),
    annotations: { ...Labels, ...(signalNumber(stop) !== undefined && { [STOP_SIGNAL_ANNOTATION]: stop }) },
    ignored: ignoredOf(asked),
  };
}

/** In words, each with its member. */
function ignoredOf({ User, ExposedPorts, Healthcheck, StopSignal, OnBuild }: Asked): readonly string[] {
  const ports = Object.keys(ExposedPorts ?? {});
  const user = User ?? '';
  const stop = StopSignal ?? '';
  return [
    ...(user === '' ? [] : [`image: User ${user}: every app has a user id of its own`]),
    ...(ports.length === 0 ? [] : [`image: ExposedPorts ${ports.join(', ')}: only the ports of the run are published`]),
    ...(isCheck(Healthcheck) ? ['image: Healthcheck: nothing is checked from inside'] : []),
    ...(stop === '' || signalNumber(stop) !== undefined ? [] : [`image: StopSignal ${stop} is no signal: SIGTERM`]),
    ...((OnBuild ?? []).length === 0 ? [] : ['image: OnBuild: only a build reads it']),
  ];
}

/** `{"Test": ["NONE"]}` switches off one of a base. */
const isCheck = (value: unknown): boolean => {
  const { data } = z.object({ Test: z.array(z.string()).min(1) }).safeParse(value);
  return data !== undefined && data.Test[0] !== 'NONE';
};
