/** Where everything lies on disk (DESIGN §5). */

export type Layout = {
  readonly config: string;
  /** Gone after a reboot. */
  readonly run: string;
  readonly state: string;
  readonly socket: string;
  readonly database: string;
  readonly logs: string;
  readonly apps: string;
  /** File systems of apps with limited storage, a file each. */
  readonly volumes: string;
  readonly images: string;
  /** Unpacked images, and who uses them. */
  readonly packages: string;
  /** Secret of the role control. */
  readonly token: string;
  readonly observeToken: string;
};

/** The system's own places, or all of it below `root` (an absolute path), so that many daemons can live side by side. */
export function layout(root?: string): Layout {
  const base = root?.replace(/\/+$/, '');
  const run = base === undefined ? '/run/runtime-manager' : `${base}/run`;
  const state = base === undefined ? '/var/lib/runtime-manager' : `${base}/state`;
  return {
    config: base === undefined ? '/etc/runtime-manager/config.yaml' : `${base}/config.yaml`,
    run,
    state,
    socket: `${run}/control.sock`,
    database: `${state}/state.db`,
    logs: `${state}/logs`,
    apps: `${state}/apps`,
    volumes: `${state}/volumes`,
    images: `${state}/images`,
    packages: `${state}/packages`,
    token: `${state}/token`,
    observeToken: `${state}/token-observe`,
  };
}
