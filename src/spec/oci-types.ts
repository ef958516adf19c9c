/** The part of the OCI runtime configuration that we write (runtime-spec config.md and config-linux.md, 1.1). */

export type OciMount = {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
};

export type OciIdMapping = { readonly containerID: number; readonly hostID: number; readonly size: number };

export type OciNamespace = { readonly type: 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'cgroup' | 'user' };

type SeccompArg = {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
};

export type OciSeccompRule = {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArg[];
};

export type OciSeccomp = {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly architectures: readonly ['SCMP_ARCH_X86_64' | 'SCMP_ARCH_AARCH64'];
  readonly syscalls: readonly OciSeccompRule[];
};

export type OciResources = {
  readonly devices: readonly (
    | { readonly allow: false; readonly access: 'rwm' }
    | {
        readonly allow: true;
        readonly type: 'c' | 'b';
        readonly major: number;
        readonly minor: number;
        readonly access: 'rw';
      }
  )[];
  readonly memory?: { readonly limit: number; readonly swap?: number };
  readonly cpu?: {
    readonly quota?: number;
    readonly period?: number;
    readonly shares?: number;
    readonly cpus?: string;
  };
  readonly blockIO?: { readonly weight: number };
  readonly pids: { readonly limit: number };
};

type OciCapabilities = Readonly<
  Record<'bounding' | 'effective' | 'inheritable' | 'permitted' | 'ambient', readonly never[]>
>;

export type OciProcess = {
  readonly terminal: boolean;
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly noNewPrivileges: true;
  readonly rlimits: readonly { readonly type: string; readonly soft: number; readonly hard: number }[];
  readonly oomScoreAdj: number;
};

export type OciConfig = {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: true };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: {
    readonly namespaces: readonly OciNamespace[];
    readonly uidMappings: readonly OciIdMapping[];
    readonly gidMappings: readonly OciIdMapping[];
    readonly cgroupsPath: string;
    readonly resources: OciResources;
    readonly seccomp: OciSeccomp;
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
  };
};
