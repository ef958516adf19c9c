/** The mounts that the app sees (proc(5), mountinfo), and what CRIU cannot put back of them. */
import { readFile } from 'node:fs/promises';
import type { Finding } from '../../../domain/hibernation.ts';

export type Mount = {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** The part of the file system that is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
};

export async function readMounts(pid: number | 'self'): Promise<readonly Mount[]> {
  const text = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(parseMount);
}

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
function parseMount(line: string): Mount {
  const [fields = '', rest = ''] = line.split(' - ');
  const [id, parent, device = '', root = '', point = ''] = fields.split(' ');
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: plain(root),
    point: plain(point),
    type: rest.split(' ')[0] ?? '',
  };
}

/** Blanks and backslashes are written in octal. */
const plain = (path: string): string =>
  path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/** Another mount lies on exactly this one, so that no path leads to its files. */
export function isCovered(mount: Mount, all: readonly Mount[]): boolean {
  return all.some(({ id, parent, point }) => parent === mount.id && point === mount.point && id !== mount.id);
}

/**
 * Mounts that came along with a bind mount because they lie below its source on the host. CRIU mounts the source alone, which
 * the kernel refuses in a user namespace: what is below could be uncovered that way.
 */
export function mountFindings(inside: readonly Mount[], host: readonly Mount[]): readonly Finding[] {
  const byId = new Map(inside.map((mount) => [mount.id, mount]));
  return inside.flatMap((mount) => {
    const parent = byId.get(mount.parent);
    const source = parent === undefined ? undefined : carriedFrom(mount, parent, host);
    return source === undefined ? [] : [carried(source, mount.point)];
  });
}

function carriedFrom(mount: Mount, parent: Mount, host: readonly Mount[]): string | undefined {
  const relative = below(mount.point, parent.point);
  if (relative === undefined || relative === '') return undefined;
  const places = host
    .filter(({ device }) => device === parent.device)
    .flatMap(({ root, point }) => {
      const deeper = below(parent.root, root);
      return deeper === undefined ? [] : [join(join(point, deeper), relative)];
    });
  return host.find(
    ({ point, device, root }) => places.includes(point) && device === mount.device && root === mount.root,
  )?.point;
}

/** The rest of the path below a directory; undefined when it is not below it. */
function below(path: string, directory: string): string | undefined {
  if (path === directory) return '';
  const start = directory === '/' ? '/' : `${directory}/`;
  return path.startsWith(start) ? path.slice(start.length) : undefined;
}

const join = (directory: string, rest: string): string =>
  rest === '' ? directory : `${directory === '/' ? '' : directory}/${rest}`;

const carried = (source: string, point: string): Finding => ({
  code: 'MOUNT_BELOW_SOURCE',
  blocks: true,
  what: `another file system, ${source} on the host, came into the app together with a mount (${point})`,
  why: 'CRIU cannot put a mount back whose source has other file systems mounted below it: the wake would fail',
  next: `give the app a directory without mounts below it, or unmount ${source} before the app starts`,
});
