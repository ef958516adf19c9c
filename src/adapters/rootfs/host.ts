/** The device's own root file system as an app may see it: its programs, and of /etc what programs need. */
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import { shared } from './shared.ts';
import { directoryNode, type Directory, type Node } from './tree.ts';

/** Links into /usr on most systems, directories on older ones. */
const TOP = ['bin', 'lib', 'lib32', 'lib64', 'libo32', 'libx32', 'sbin', 'usr'];

/**
 * How programs are found and linked, names and languages, certificates, fonts, desktop settings, interpreters.
 * Nothing that tells who uses this device or what else runs on it.
 */
const ETC = new RegExp(
  `^(${[
    'alternatives|ld\\.so\\.(cache|conf|conf\\.d)',
    'nsswitch\\.conf|host\\.conf|gai\\.conf|services|protocols|rpc|networks|ethertypes|shells',
    'localtime|timezone|locale\\.(alias|conf)|os-release|debian_version|mime\\.types|magic(\\.mime)?|inputrc|terminfo',
    'ssl|ca-certificates|pki|crypto-policies|fonts|X11|xdg|gtk-.*|glvnd|vulkan|OpenCL|alsa|pulse|pipewire|libinput',
    'java.*|python3.*|perl|lua.*|ImageMagick-.*|mono|sway',
  ].join('|')})$`,
);
/** /etc/ssl and /etc/pki also hold private keys. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  ssl: ['certs', 'openssl.cnf'],
  pki: ['ca-trust', 'tls'],
};

/** As it is at the time of the call, or later. Many apps that start at once share one look at its fifty files. */
export const hostTree: () => Promise<Directory> = shared(look);

async function look(): Promise<Directory> {
  const [top, etc, fontCache] = await Promise.all([
    entries('/', TOP),
    readdir('/etc').then((names) =>
      entries(
        '/etc',
        names.filter((name) => ETC.test(name)),
      ),
    ),
    entries('/var/cache', ['fontconfig']),
  ]);
  const variable: [string, Node][] = [
    ['cache', directoryNode(fontCache)],
    ['lib', directoryNode()],
    ['log', directoryNode()],
    ['run', { kind: 'link', target: '/run' }],
    ['tmp', { kind: 'link', target: '/tmp' }],
  ];
  return directoryNode([...top, ['etc', directoryNode(etc)], ['var', directoryNode(variable)]]);
}

async function entries(directory: string, names: readonly string[]): Promise<readonly (readonly [string, Node])[]> {
  const nodes = await Promise.all(names.map(async (name) => [name, await nodeFor(directory, name)] as const));
  return nodes.filter((pair): pair is readonly [string, Node] => pair[1] !== undefined);
}

/** Undefined for what is not there, or not for everybody's eyes. */
async function nodeFor(directory: string, name: string): Promise<Node | undefined> {
  const path = directory === '/' ? `/${name}` : `${directory}/${name}`;
  const parts = directory === '/etc' ? PARTS[name] : undefined;
  if (parts !== undefined) return directoryNode(await entries(path, parts));
  try {
    const own = await lstat(path);
    if (own.isSymbolicLink()) {
      const target = await readlink(path);
      // Leads to what the app has too, if it stays on top or goes to /usr.
      if (directory === '/' || resolve(directory, target).startsWith('/usr/')) return { kind: 'link', target };
    }
    const stats = own.isSymbolicLink() ? await stat(path) : own;
    if (stats.isDirectory()) return { kind: 'bind', source: path, directory: true };
    if (!stats.isFile() || (stats.mode & 0o004) === 0) return undefined;
    // A copy costs no mount at every start; small files, once for all apps, and anew when one changes.
    return { kind: 'copy', source: path, signature: `${stats.size} ${stats.mtimeMs} ${stats.ino}` };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
