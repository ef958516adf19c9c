/** Root file systems and leases as the OCI configuration is made from. */
import { appSchema, type AppInput } from '../../src/domain/app.ts';
import { RuntimeError, type ErrorCode } from '../../src/domain/errors.ts';
import type { RootFilesystem } from '../../src/domain/rootfs.ts';
import type { OciConfigInput } from '../../src/spec/oci-config.ts';

export const HOST: RootFilesystem = {
  path: '/run/rm/rootfs/abc',
  bundle: null,
  binds: [
    { source: '/usr', destination: '/usr' },
    { source: '/etc/fonts', destination: '/etc/fonts' },
  ],
};
export const BUNDLE: RootFilesystem = {
  path: '/run/rm/rootfs/def',
  binds: [{ source: '/b/rootfs/bin', destination: '/bin' }],
  bundle: {
    args: ['/bin/app', '--fast'],
    env: ['PATH=/bin', 'A=bundle', 'B=bundle', 'APPLICATION_NAME=forged', 'nonsense', 'A=later'],
    cwd: '/bin/..//bin/',
    hostname: 'its-own',
    annotations: { 'org.criu.config': '/tmp/evil', 'run.oci.handler': 'wasm' },
    mounts: [
      { destination: '/opt/data', type: 'bind', source: '/b/data', readOnly: true, options: ['noexec'] },
      { destination: '/var/tmp', type: 'tmpfs', source: 'tmpfs', readOnly: false, options: ['mode=700', 'size=1m'] },
    ],
  },
};

export const input = (app: AppInput, rest: Partial<OciConfigInput> = {}): OciConfigInput => ({
  app: appSchema.parse(app),
  rootfs: HOST,
  identity: { uid: 30001, gid: 30002, rootHostUid: 230001, rootHostGid: 230002 },
  storage: '/var/lib/runtime-manager/apps/a',
  inside: '/run/rm/inside/a',
  display: null,
  cgroupsPath: '/runtime-manager/i',
  hostname: 'box',
  architecture: 'x64',
  oomScoreAdj: 0,
  appId: 'com.example.app',
  appInstanceId: 'i-1',
  ...rest,
});

export const refuses = (code: ErrorCode, words: RegExp) => (error: unknown) =>
  error instanceof RuntimeError && error.code === code && words.test(error.message) && error.next !== undefined;
