/**
 * A machine for the network of apps, and a world around it, as two network namespaces: no interface, rule or setting of this
 * machine's own is touched. They have no names; they are there as long as their process.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { TOOLS } from './daemon.ts';
import { until } from './until.ts';

const OWN = readlinkSync('/proc/self/ns/net');

class Namespace {
  readonly holder: ChildProcess;

  constructor() {
    this.holder = spawn('unshare', ['--net', 'sleep', '100000'], { stdio: 'ignore' });
  }

  async begin(): Promise<void> {
    await until(() => readlinkSync(`/proc/${this.pid}/ns/net`) !== OWN, { what: 'a network namespace' });
    this.run('ip', 'link', 'set', 'lo', 'up');
    // a new one takes over what this machine has, which somebody may have changed
    this.run('sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_forward');
  }

  get pid(): number {
    assert(this.holder.pid !== undefined);
    return this.holder.pid;
  }

  /** Of a program in it, before its own arguments. */
  get within(): readonly [string, ...string[]] {
    return ['nsenter', `--net=/proc/${this.pid}/ns/net`];
  }

  /** What it prints. */
  run(...argv: readonly string[]): string {
    const [command, ...args] = [...this.within, ...argv];
    const env = { ...process.env, PATH: `${TOOLS}:${process.env['PATH'] ?? ''}` };
    return execFileSync(command, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** What somebody who connects to it gets; the error's text when nobody answers. */
  ask(host: string, port: number): string {
    return this.run('perl', '-MIO::Socket::INET', '-e', ASK, host, String(port)).trim();
  }

  /** Greets everybody who connects with its name and where they come from, until the scope ends. */
  serve(port: number, name: string): Disposable & { readonly pid: number } {
    const [command, ...args] = [...this.within, 'perl', '-MIO::Socket::INET', '-e', SERVER, String(port), name];
    const child = spawn(command, args, { stdio: 'ignore' });
    return { pid: child.pid ?? 0, [Symbol.dispose]: () => void child.kill('SIGKILL') };
  }

  /** Names of the test's own, at port 53 of this address, by UDP, until the scope ends. */
  async serveNames(at: string, addresses: Readonly<Record<string, string>>): Promise<Disposable> {
    const words = [at, ...Object.entries(addresses).flat()];
    const [command, ...args] = [...this.within, 'perl', '-MIO::Socket::INET', '-e', NAME_SERVER, ...words];
    const child = spawn(command, args, { stdio: 'ignore' });
    const isThere = (): boolean => /:0035 /.test(readFileSync(`/proc/${this.pid}/net/udp`, 'utf8'));
    await until(isThere, { what: 'the name server listens', timeoutMs: 20_000 });
    return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
  }

  interfaces(): readonly string[] {
    const lines = readFileSync(`/proc/${this.pid}/net/dev`, 'utf8').split('\n').slice(2);
    return lines.flatMap((line) => (line.includes(':') ? [line.split(':')[0]?.trim() ?? ''] : [])).sort();
  }

  rules(): string {
    return this.run('nft', 'list', 'ruleset');
  }
}

const ASK =
  '$s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 5) or do { print "error: $!"; exit }; print $s "hello\\n"; $_ = <$s>; print';

/** Says its name, the number of the visit and the visitor's address. */
export const SERVER =
  '$l = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die $!; $n = 0; while (1) { $s = $l->accept or next; $n++; <$s>; print $s "$ARGV[1] $n ", $s->peerhost, "\\n"; close $s }';

/** At its first argument: who asks there hears nobody else. Address records (A) of the names that it was given, and "no such name" (RFC 1035 §4). */
const NAME_SERVER = `
  my ($own, %known) = @ARGV;
  my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => $own, LocalPort => 53) or die $!;
  while (defined(my $from = $s->recv(my $q, 512))) {
    my ($at, @labels) = (12);
    while (my $length = ord substr($q, $at, 1)) { push @labels, substr($q, $at + 1, $length); $at += $length + 1 }
    my $question = substr($q, 12, $at + 5 - 12);
    my $address = $known{lc join ".", @labels};
    my $found = defined $address && unpack("n", substr($q, $at + 1, 2)) == 1;
    my $flags = defined $address ? 0x8580 : 0x8583;
    my $answer = $found ? pack("n3Nn", 0xc00c, 1, 1, 60, 4) . pack("C4", split /\\./, $address) : "";
    $s->send(pack("n6", unpack("n", $q), $flags, 1, $found ? 1 : 0, 0, 0) . $question . $answer, 0, $from);
  }`;

export const serverArgs = (port: number, name: string): readonly string[] => [
  ...['/usr/bin/perl', '-MIO::Socket::INET', '-e', SERVER],
  ...[String(port), name],
];

/** As soon as it listens. */
export const answer = (from: Namespace, host: string, port: number): Promise<string> =>
  until(() => [from.ask(host, port)].find((text) => !text.startsWith('error')), { what: `${host}:${port} answers` });

export type Nets = AsyncDisposable & { readonly machine: Namespace; readonly world: Namespace };

/** The machine is 198.51.100.2, the world 198.51.100.1 and 203.0.113.1. */
export async function makeNets(): Promise<Nets> {
  const [machine, world] = [new Namespace(), new Namespace()];
  await Promise.all([machine.begin(), world.begin()]);
  const link = [
    'up0',
    'netns',
    String(machine.pid),
    'type',
    'veth',
    'peer',
    'name',
    'down0',
    'netns',
    String(world.pid),
  ];
  execFileSync('ip', ['link', 'add', ...link]);
  world.run('ip', 'address', 'add', '198.51.100.1/24', 'dev', 'down0');
  world.run('ip', 'address', 'add', '203.0.113.1/32', 'dev', 'lo');
  world.run('ip', 'link', 'set', 'down0', 'up');
  machine.run('ip', 'address', 'add', '198.51.100.2/24', 'dev', 'up0');
  machine.run('ip', 'link', 'set', 'up0', 'up');
  machine.run('ip', 'route', 'add', 'default', 'via', '198.51.100.1');
  return {
    machine,
    world,
    [Symbol.asyncDispose]: async () => {
      for (const { holder } of [machine, world]) {
        const gone = new Promise((resolve) => holder.once('exit', resolve));
        holder.kill('SIGKILL');
        await gone;
      }
    },
  };
}
