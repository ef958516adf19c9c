/** The programs that the tests of real apps run: Debian's, unpacked into a root file system of their own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { provideAppTree } from '../../scripts/setup/app-tree.mjs';
import { provideGuiTree } from '../../scripts/setup/gui-tree.mjs';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export const APP_TREE = process.env['RUNTIME_MANAGER_APP_TREE'] ?? join(PROJECT, '.tools.apps');
export const GUI_TREE = process.env['RUNTIME_MANAGER_GUI_TREE'] ?? join(PROJECT, '.tools.gui');
export const PROGRAMS = join(PROJECT, 'test', 'apps', 'programs');

const LIMIT_MS = 30_000;

/** There when it returns; `npm test` sees to it before the tests begin. */
export const appTree = (): Promise<void> => provideAppTree(APP_TREE);
/** Of apps that draw. */
export const guiTree = (): Promise<void> => provideGuiTree(GUI_TREE);

/** Runs a command on the device's own files in the network of a process, and answers with what it wrote. */
export async function inNetworkOf(pid: number, command: readonly string[], options: { root?: string } = {}) {
  const argv = ['--target', String(pid), '--net', ...(options.root === undefined ? [] : [`--root=${options.root}`])];
  const { stdout } = await promisify(execFile)('nsenter', [...argv, '--', ...command], { timeout: LIMIT_MS });
  return stdout;
}

/** One HTTP request, the body of the answer. perl-base is on every Debian. */
const GET = `use IO::Socket::INET; my ($port, $path) = @ARGV;
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port, Timeout => 20) or die "connect: $!\\n";
print $s "GET $path HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n"; local $/; my $all = <$s>;
my ($head, $body) = split /\\r\\n\\r\\n/, $all, 2; $head =~ m{^HTTP/1\\.\\d 200} or die "answer: $head\\n"; print $body;`;

export const httpGet = (pid: number, port: number, path: string): Promise<string> =>
  inNetworkOf(pid, ['/usr/bin/perl', '-e', GET, String(port), path]);
