/** Tools of root's that read what an app, or an image of one, has made: what each of them is left with (decision 0176). */
import { confined, type Confinement } from './confine.ts';

/** Ends with the daemon (prctl(2) PR_SET_PDEATHSIG): the next one begins again. */
const WITH_DAEMON = ['setpriv', '--pdeathsig', 'KILL', '--'];

type Row = Pick<Confinement, 'network' | 'capabilities'> & {
  readonly readsAll?: boolean;
  readonly writes?: readonly string[];
};

/** Files of any owner; umoci makes devices, which are deleted at once. */
const FILES: Row = { network: false, capabilities: ['chown', 'dacOverride', 'fowner', 'fsetid', 'mknod', 'setfcap'] };

const ROWS: Readonly<Record<string, Row>> = {
  ...{
    umoci: FILES,
    tar: FILES,
    cp: FILES,
    find: FILES,
    chown: FILES,
    chmod: FILES,
    rm: FILES,
    du: FILES,
    zstd: FILES,
  },
  ...{ 'mkfs.ext4': FILES, e2fsck: FILES, resize2fs: FILES, debugfs: FILES },
  // it reads archives and credentials wherever they lie; what it unpacks on the way lies in /var/tmp
  skopeo: {
    network: true,
    capabilities: ['dacOverride'],
    readsAll: true,
    writes: ['/var/tmp', '/var/lib/containers', '/run/containers'],
  },
};

export type Reach = { readonly reads?: readonly string[]; readonly writes: readonly string[] };

/** A command line. `name`: of the tool in it, whose row counts; one without a row only ends with the daemon. */
export function heldTool(name: string, argv: readonly string[], { reads = [], writes }: Reach): readonly string[] {
  const row = ROWS[name];
  if (row === undefined) return [...WITH_DAEMON, ...argv];
  const { network, capabilities = [], readsAll = false } = row;
  return confined(argv, {
    ...{ network, capabilities, endsWithDaemon: true },
    reads: readsAll ? 'all' : reads,
    writes: [...writes, ...(row.writes ?? [])],
  });
}
