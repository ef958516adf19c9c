import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  boundSources,
  dobbyBundle,
  dobbySpecFor,
  DOBBY_INIT,
  refuseForDobby,
  type BundleWishes,
} from '../../src/adapters/dobby/bundle.ts';
import { dobbyId } from '../../src/adapters/dobby/ids.ts';
import { Slots } from '../../src/adapters/dobby/slots.ts';
import { readProgram, type DobbyProgram } from '../../src/adapters/dobby/program.ts';
import { abilities } from '../../src/adapters/dobby/report.ts';
import { exitCode } from '../../src/adapters/dobby/status.ts';
import type { Proof } from '../../src/domain/hibernation.ts';
import type { ContainerId } from '../../src/domain/ids.ts';
import { INIT_POINT } from '../../src/domain/rootfs.ts';
import { refusal } from '../lib/refusal.ts';
import { describedOf, dobbyOf } from '../lib/spec-apps.ts';

const PROVEN: Proof = { possible: true };

test('a raw status of wait(2) becomes the code that a shell has', () => {
  // measured on the real daemon (facts/dobby.md §3)
  const rows = [
    [0, 0],
    [768, 3],
    [139, 139],
    [15, 143],
    [9, 137],
  ] as const;
  for (const [status, code] of rows) assert.equal(exitCode(status), code);
});

test('every name that Dobby is given is one that it takes, and no two are the same', () => {
  const valid = /^(?=.*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
  const ids = [
    'com.example.app',
    '123',
    '..',
    'a..b',
    '-abc',
    'system.slice',
    'tasks',
    'app+0123',
    `x${'y'.repeat(63)}`,
    `x${'y'.repeat(64)}`,
    'long+'.repeat(20),
  ];
  const names = ids.map((id) => dobbyId(id as ContainerId));
  // the host name, too
  for (const name of names) assert(valid.test(name) && !name.includes('..') && name.length <= 64, name);
  assert.equal(new Set(names).size, ids.length);
  assert.deepEqual([names[0], names[8]], [ids[0], ids[8]]);
  assert.notEqual(names[5], 'system.slice');
});

const WISHES: BundleWishes = {
  ...{ id: 'x', hasInit: true, logFile: '/log', logMaxBytes: 10, liveMounts: false, files: new Set() },
  wishes: { network: 'none', ports: [] },
};

const RDK_APP = { command: 'x', appPath: '/package-of-the-app', systemMemoryLimit: 64 * 2 ** 20 };

test('a configuration becomes one that Dobby can run, whatever was in it', () => {
  const config = { process: { args: [INIT_POINT, '--', 'app', '-x'] }, linux: { cgroupsPath: '/ours', seccomp: {} } };
  assert.deepEqual(dobbyBundle(config, WISHES), {
    ociVersion: '1.0.2-dobby',
    hostname: 'x',
    process: { terminal: true, args: [DOBBY_INIT, 'app', '-x'] },
    mounts: [],
    linux: { seccomp: {}, resources: {} },
    rdkPlugins: { logging: { required: false, data: { sink: 'file', fileOptions: { path: '/log', limit: 10 } } } },
  });
  const own = dobbyBundle(config, { ...WISHES, hasInit: false }) as typeof config;
  assert.deepEqual(own.process.args, config.process.args);
});

test('what is mounted below is only spoken of where something can be: crun takes no recursive option on a file', () => {
  const options = ['rbind', 'rprivate', 'nosuid', 'rnosuid', 'nodev', 'rnodev', 'ro', 'rro'];
  const mounts = ['/a/file', '/a/directory'].map((source) => ({ destination: source, type: 'bind', source, options }));
  const plain = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] };
  const config = { mounts: [...mounts, plain] };
  assert.deepEqual(boundSources(config), ['/a/file', '/a/directory']);
  const told = dobbyBundle(config, { ...WISHES, files: new Set(['/a/file']) }) as typeof config;
  assert.deepEqual(told.mounts[0]?.options, ['rbind', 'rprivate', 'nosuid', 'nodev', 'ro']);
  assert.deepEqual(told.mounts.slice(1), [mounts[1], plain]);
});

test('ports of the host that an app reaches are forwarded out, in the network none too', () => {
  type Made = { readonly rdkPlugins: { readonly networking?: unknown } };
  const plugin = (wanted: Partial<BundleWishes['wishes']>) =>
    (dobbyBundle({}, { ...WISHES, wishes: { network: 'none', ports: [], ...wanted } }) as Made).rdkPlugins.networking;
  const containerToHost = [{ port: 3473, protocol: 'tcp' }];
  const common = { ipv4: true, dnsmasq: true };
  assert.equal(plugin({}), undefined);
  assert.equal(plugin({ network: 'host', hostPorts: [3473] }), undefined);
  for (const type of ['none', 'nat'] as const) {
    const portForwarding = { localhostMasquerade: true, containerToHost };
    const expected = { required: true, data: { type, ...common, portForwarding } };
    assert.deepEqual(plugin({ network: type, hostPorts: [3473] }), expected);
    const described = describedOf({ runtimeConfig: { ...RDK_APP, wanLanAccess: type === 'nat' }, ports: [3473, 3473] });
    assert.deepEqual(described.app.hostPorts, [3473]);
    const { networking } = dobbyOf({
      runtimeConfig: { ...RDK_APP, wanLanAccess: type === 'nat' },
      ports: [3473],
    }).spec.rdkPlugins;
    assert.deepEqual(networking?.data.portForwarding, portForwarding);
    assert.equal(networking.required, true);
  }
});

test('a port that is another one inside is refused, and the log of a spec is ours unless it has one', async () => {
  const port = (host: number, app: number) => ({ host, app, protocol: 'tcp' }) as const;
  refuseForDobby({ ports: [port(80, 80)] });
  const refusing = Promise.resolve().then(() => {
    refuseForDobby({ ports: [port(8080, 80)] });
  });
  await refusal(refusing, 'NOT_SUPPORTED', /8080/);
  const quiet = { rdkPlugins: { logging: { data: { sink: 'devnull' } } } };
  const logged = dobbySpecFor(quiet, WISHES) as { rdkPlugins: { logging: { data: { sink: string } } } };
  assert.equal(logged.rdkPlugins.logging.data.sink, 'file');
  assert.deepEqual(dobbySpecFor({ console: { path: '/c' } }, WISHES), { console: { path: '/c' } });
});

const PROGRAM: DobbyProgram = {
  ...{ bundle: true, spec: true, withoutMemcr: false, withoutExec: false, mountsFreely: false },
};

test('what a Dobby can and what it lacks follows from how it was built, what listens and what is set', () => {
  const settings = { start: 'auto', liveMounts: false } as const;
  const full = abilities('oci', { isThere: true, proof: PROVEN, program: PROGRAM, settings });
  assert.deepEqual(full.lacks, []);
  assert.match(full.can.join('; '), /OCI bundles.*suspend.*hibernate.*run a program/);
  assert.doesNotMatch(full.can.join('; '), /mount/);
  const nothing = abilities('oci', {
    ...{ isThere: true, proof: undefined },
    program: { ...PROGRAM, bundle: false, withoutMemcr: true, withoutExec: true },
    settings: { start: 'bundle', liveMounts: true },
  });
  assert.deepEqual(
    nothing.lacks.map(({ why }) => why.includes('DOBBY_PROD')),
    [true, false, true],
  );
  assert.match(nothing.lacks.map(({ what }) => what).join('; '), /dobby\.start is bundle.*without memcr.*exec/);
  assert.doesNotMatch(nothing.can.join('; '), /hibernate|program/);
  assert.match(nothing.can.join('; '), /mount while an app runs$/);
  const unseen = abilities('dobby', { isThere: false, proof: undefined, program: undefined, settings });
  assert.match(unseen.lacks.map(({ what }) => what).join('; '), /^no app can be hibernated: memcr does not listen/);
  const open = abilities('dobby', {
    ...{ isThere: true, proof: PROVEN },
    program: { ...PROGRAM, spec: false, mountsFreely: true },
    settings,
  });
  assert.match(open.lacks[0]?.why ?? '', /LEGACY_COMPONENTS/);
  assert.match(open.can.join('; '), /also read-only/);
});

test('a hibernation is promised only where a trial has shown it', () => {
  const settings = { start: 'auto', liveMounts: false } as const;
  const told = (proof: Proof | undefined): readonly [string, string] => {
    const { can, lacks } = abilities('oci', { isThere: true, proof, program: PROGRAM, settings });
    return [can.some((one) => one.includes('hibernate')) ? 'can' : 'cannot', lacks.map(({ what }) => what).join('; ')];
  };
  assert.deepEqual(told(PROVEN), ['can', '']);
  const verdict = { why: 'it was killed', next: 'start memcr with -N' };
  assert.deepEqual(told({ possible: false, ...verdict }), ['cannot', 'no app can be hibernated: it was tried']);
  for (const proof of [{ possible: null, ...verdict } as const, undefined]) {
    assert.deepEqual(told(proof), ['cannot', 'whether apps can be hibernated is not known yet']);
  }
});

test('what a Dobby was built with is read from its program, also across the pieces in which it is read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-modes-'));
  const file = join(directory, 'DobbyDaemon');
  try {
    await writeFile(
      file,
      Buffer.concat([Buffer.alloc(65_530, 1), Buffer.from("\0StartFromBundle\0doStartFromSpecLambda('%s')")]),
    );
    assert.deepEqual(await readProgram(file), { ...PROGRAM, spec: false });
    await writeFile(
      file,
      'StartFromSpec\0DobbyHibernate Implementation not enabled\0exec is not supported in production builds\0',
    );
    assert.deepEqual(await readProgram(file), { ...PROGRAM, bundle: false, withoutMemcr: true, withoutExec: true });
    await writeFile(file, 'something else\0');
    assert.equal(await readProgram(file), undefined);
    assert.equal(await readProgram(join(directory, 'none')), undefined);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a slot goes to who waits the longest, and to nobody who has given up', async () => {
  const slots = new Slots(1);
  const forever = new AbortController().signal;
  const leaving = new AbortController();
  assert.equal(await slots.take(forever), true);
  const gone = slots.take(leaving.signal);
  const next = slots.take(forever);
  leaving.abort();
  assert.equal(await gone, false);
  slots.giveBack();
  assert.equal(await next, true);
  slots.giveBack();
  assert.equal(await slots.take(forever), true);
});
