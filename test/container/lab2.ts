import { cpSync, readFileSync, writeFileSync, readdirSync, truncateSync, rmSync, mkdirSync, chmodSync, statSync, chownSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { subject, withoutFilter, type Subject } from './lab-box.ts';
const tail = '$| = 1; print "ready\\n"; sleep 1 while 1;';
const opened = 'open($f, ">", "$ENV{HOME}/data") or die "$ENV{HOME} $!"; syswrite($f, "abc"); ' + tail;
const image = (s: Subject) => readFileSync(s.work + '/image', 'utf8');
const cases: Record<string, { script?: string; opts?: any; dump?: any; restore?: any; between?: (s: Subject) => any; before?: (s: Subject) => any; }> = {
  locks: { script: 'use Fcntl ":flock"; open($f, ">", "/tmp/l"); flock($f, LOCK_EX); ' + tail, dump: { args: ['--manage-cgroups-mode=ignore'] } },
  coreMissing: { between: (s) => rmSync(image(s) + '/core-1.img') },
  coreTruncated: { between: (s) => truncateSync(image(s) + '/core-1.img', 60) },
  pagesTruncated: { between: (s) => truncateSync(image(s) + '/pages-1.img', 4096) },
  pagesMissing: { between: (s) => rmSync(image(s) + '/pages-1.img') },
  inventoryMissing: { between: (s) => rmSync(image(s) + '/inventory.img') },
  mountsTruncated: { between: (s) => { const f = readdirSync(image(s)).find((n) => n.startsWith('mountpoints'))!; truncateSync(image(s) + '/' + f, 100); } },
  badMagic: { between: (s) => writeFileSync(image(s) + '/pstree.img', Buffer.alloc(50, 7)) },
  imageMissing: { between: (s) => rmSync(image(s), { recursive: true }) },
  fileGrew: { script: opened, between: (s) => writeFileSync(s.box.path + '/storage/data', 'abcdef') },
  fileGone: { script: opened, between: (s) => rmSync(s.box.path + '/storage/data') },
  fileMode: { script: opened, between: (s) => chmodSync(s.box.path + '/storage/data', 0o400) },
  bindGone: { opts: { prepare: async (box: any) => { mkdirSync(box.path + '/src'); return [{ source: box.path + '/src', destination: '/mnt/src', readOnly: false }]; } }, between: (s) => rmSync(s.box.path + '/src', { recursive: true }) },
  tinyMemory: { script: 'my $x = "x" x 60000000; ' + tail, between: (s) => { const f = s.bundle + '/config.json'; const c = JSON.parse(readFileSync(f, 'utf8')); c.linux.resources.memory = { limit: 12 << 20 }; writeFileSync(f, JSON.stringify(c)); } },
  tcpInImage: { script: 'use IO::Socket::INET; $l=IO::Socket::INET->new(Listen=>5,LocalAddr=>"127.0.0.1:7000"); $c=IO::Socket::INET->new("127.0.0.1:7000"); $a=$l->accept; ' + tail, between: (s) => writeFileSync(s.box.path + '/criu.conf', 'network-lock skip\n') },
  lazy: { script: 'my $x = "x" x 6000000; ' + tail, restore: { args: ['--manage-cgroups-mode=ignore', '--file-locks', '--lazy-pages'] } },
  idInUse: { between: (s) => mkdirSync(s.box.path + '/state/' + s.id) },
  preDump: { dump: { args: ['--pre-dump'] } },
  diskFull: { script: 'my $x = join("", map { chr(rand 256) } 1..4000000); ' + tail, before: (s) => { mkdirSync(s.box.path + '/small'); execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=711', 'x', s.box.path + '/small']); }, dump: {}, },
  diskTiny: { before: (s) => { mkdirSync(s.box.path + '/small'); execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=711', 'x', s.box.path + '/small']); }, dump: {}, },
  noUserns: { opts: { change: (c: any) => ({ ...c, linux: { ...c.linux, uidMappings: undefined, gidMappings: undefined, namespaces: c.linux.namespaces.filter((n: any) => n.type !== 'user') } }) } },
  netPath: { opts: { change: (c: any) => ({ ...c, mounts: c.mounts.map((m: any) => m.destination === '/sys' ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'ro'] } : m), linux: { ...c.linux, namespaces: c.linux.namespaces.map((n: any) => n.type === 'network' ? { type: 'network', path: '/run/netns/rmtlab' } : n) } }) } },
  cgroupSoft: { dump: { args: ['--file-locks'] }, restore: { args: ['--file-locks'] } },
  iptables: { opts: { criu: ['tcp-established'] }, script: 'use IO::Socket::INET; $l=IO::Socket::INET->new(Listen=>5,LocalAddr=>"127.0.0.1:7000"); $c=IO::Socket::INET->new("127.0.0.1:7000"); $a=$l->accept; ' + tail, before: (s) => writeFileSync(s.box.path + '/criu.conf', 'tcp-established\n') },
  nftables: { opts: { criu: ['tcp-established'] }, before: (s) => writeFileSync(s.box.path + '/criu.conf', 'tcp-established\nnetwork-lock nftables\n') },
  stopped: { script: 'my $p = fork; if (!$p) { kill 19, $$; sleep 1 while 1 } ' + tail, dump: { pause: false } },
  devnull: { script: 'open($f, "<", "/dev/full"); open($g, "<", "/dev/pts/ptmx"); open($h, ">", "/dev/shm/x"); unlink "/dev/shm/x"; ' + tail },
  foreignCriuConf: { between: (s) => writeFileSync(s.box.path + '/criu.conf', 'bogus-option 3\n') },
  dgramOut: { opts: { prepare: async (box: any) => { const d = box.path + '/sock'; mkdirSync(d); chmodSync(d, 0o777); const { spawn } = await import('node:child_process'); const c = spawn('/usr/bin/perl', ['-e', `use Socket; socket(S,1,2,0); bind(S, sockaddr_un("${d}/s")); chmod 0777, "${d}/s"; print "x\\n"; $|=1; sleep 30`], { stdio: ['ignore', 'pipe', 'inherit'] }); await new Promise((r) => setTimeout(r, 400)); return [{ source: d, destination: '/mnt/sock', readOnly: false }]; } }, script: 'use Socket; socket($s,1,2,0); connect($s, sockaddr_un("/mnt/sock/s")) or die $!; ' + tail },
  device: { opts: { change: (c: any) => ({ ...withoutFilter(c), linux: { ...c.linux, resources: { ...c.linux.resources, devices: [{ allow: true, access: 'rwm' }] } }, mounts: [...c.mounts, { destination: '/dev/rtmt', type: 'bind', source: '/dev/loop-control', options: ['bind'] }] }) }, script: 'open($f, "<", "/dev/rtmt") or print "no $!\\n"; ' + tail },
};
const only = process.argv.slice(2);
for (const [name, c] of Object.entries(cases)) {
  if (only.length && !only.includes(name)) continue;
  let small = '';
  try {
    await using s = await subject(['/usr/bin/perl', '-e', c.script ?? tail], { change: withoutFilter, ...c.opts });
    small = s.box.path + '/small';
    await c.before?.(s);
    const dump = { ...c.dump, ...(name.startsWith('disk') ? { image: s.box.path + '/small' } : {}) };
    const r = await s.checkpoint(dump);
    if (name.startsWith('disk')) execFileSync('umount', ['-l', small]);
    try { cpSync(r.log, `/tmp/rmt-lab/${name}.dump.log`); } catch {}
    console.log(`== ${name}: dumped=${r.dumped} ${r.said.trim().split('\n').at(-1)}`);
    if (!r.dumped) { console.log(readFileSync(r.log, 'utf8').split('\n').filter((l) => /Error|Warn/.test(l)).join('\n')); writeFileSync(`/tmp/rmt-lab/${name}.said`, r.said); continue; }
    await c.between?.(s);
    const q = await s.restore(c.restore);
    try { cpSync(q.log, `/tmp/rmt-lab/${name}.restore.log`); } catch {}
    writeFileSync(`/tmp/rmt-lab/${name}.said`, q.said);
    console.log(`   restored=${q.restored} ${q.restored ? '' : q.said.trim().split('\n').at(-1)}`);
    try { console.log(readFileSync(q.log, 'utf8').split('\n').filter((l) => /Error|Warn/.test(l)).join('\n')); } catch {}
  } catch (e: any) { console.log(`== ${name}: EXC`, e.message.slice(0, 600)); if (small) try { execFileSync('umount', ['-l', small], { stdio: 'ignore' }); } catch {} }
}
process.exit(0);
