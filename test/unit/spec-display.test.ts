/** What an app is given of its display, and what is asked of the window manager for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appSchema, type AppInput } from '../../src/domain/app.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import type { DisplaySocket } from '../../src/domain/rootfs.ts';
import { environment } from '../../src/spec/environment.ts';
import { fromRuntimeConfig } from '../../src/spec/from-runtime-config.ts';
import { mounts } from '../../src/spec/mounts.ts';
import { commandQuery, ociConfig } from '../../src/spec/oci-config.ts';
import { Origins } from '../../src/spec/origins.ts';
import { NO_PLATFORM } from '../../src/spec/platform/platform.ts';
import { windowCapabilities } from '../../src/spec/window-capabilities.ts';

const DISPLAY = { socket: '/run/x/wst-a', inside: null };
const INSIDE = { socket: '/s/d/wayland-1', inside: { directory: '/s/d', bundle: '/b', loader: 'ld.so' } };
const SLEEP: AppInput = { rootfs: { host: true }, args: ['sleep', '9'] };

const mountsOf = (input: AppInput, display: DisplaySocket | null) =>
  mounts({
    app: appSchema.parse(input),
    rootfs: { binds: [], bundle: null },
    storage: '/s',
    inside: '/i',
    identity: { uid: 30001, gid: 30002 },
    display,
    said: new Origins(),
    trace: new Origins(),
  }).filter(({ destination }) => destination.startsWith('/run/user'));

test('a display is a socket in a directory of the app alone, and the app is told where', () => {
  const places = mountsOf(SLEEP, DISPLAY);
  assert.deepEqual(
    places.map(({ source, destination }) => [source, destination]),
    [
      ['tmpfs', '/run/user'],
      [DISPLAY.socket, '/run/user/wayland-0'],
    ],
  );
  assert(['mode=700', 'uid=30001', 'gid=30002'].every((option) => places[0]?.options.includes(option)));
  const app = appSchema.parse({ ...SLEEP, env: { WAYLAND_DISPLAY: 'mine' } });
  const notes = { said: new Origins(), trace: new Origins() };
  const lines = environment({ app, bundleEnv: [], appId: 'a', appInstanceId: 'a', display: DISPLAY, ...notes });
  assert(lines.includes('XDG_RUNTIME_DIR=/run/user'));
  assert(lines.includes('WAYLAND_DISPLAY=mine'), 'an app that says otherwise wins');
});

test('a compositor inside gets the directory of the app and its own programs, and its command is still the app', () => {
  assert.deepEqual(
    mountsOf(SLEEP, INSIDE).map(({ source, destination }) => [source, destination]),
    [['/s/d', '/run/user']],
  );
  const config = ociConfig({
    app: appSchema.parse(SLEEP),
    rootfs: { path: '/root', binds: [], bundle: null },
    storage: '/s',
    inside: '/i',
    identity: { uid: 30001, gid: 30002, rootHostUid: 230001, rootHostGid: 230002 },
    display: INSIDE,
    ...{ cgroupsPath: '/x', hostname: 'h', architecture: 'x64', appId: 'a', appInstanceId: 'a', oomScoreAdj: 0 },
  });
  const tools = config.mounts.find(({ destination }) => destination === '/run/display-tools');
  assert.equal(tools?.source, '/b');
  assert(tools.options.includes('ro'));
  assert.deepEqual(config.process.args.slice(-4), ['/run/display-tools/with-display.sh', 'ld.so', 'sleep', '9']);
  assert(config.process.env.includes('WAYLAND_DISPLAY=wayland-1'));
  assert.equal(commandQuery(config).command, 'sleep');
});

test('without a display there is no directory and no word of it, and nobody else may mount there', () => {
  assert.deepEqual(mountsOf(SLEEP, null), []);
  const squatter = { ...SLEEP, mounts: [{ source: '/a', destination: '/run/user/x' }] };
  assert.throws(() => mountsOf(squatter, DISPLAY), /nothing can be mounted on \/run\/user\/x/);
});

test('a display has both sizes or none', () => {
  assert.deepEqual(appSchema.parse({ ...SLEEP, display: {} }).display, { capabilities: [], required: true });
  assert.equal(appSchema.safeParse({ ...SLEEP, display: { width: 5 } }).success, false);
});

test("an app of RDK's wants a display, as upstream makes one for each, and runs where there is none", () => {
  const runtimeConfig = runtimeConfigSchema.parse({ command: 'x', appPath: '/p' });
  const context = { appId: 'a', platform: NO_PLATFORM, present: new Set<string>() };
  assert.deepEqual(fromRuntimeConfig({ runtimeConfig }, context).app.display, { capabilities: [], required: false });
});

test('capabilities for the window manager are translated in their order, the others left out', () => {
  const cases: readonly (readonly [text: string, words: readonly string[]])[] = [
    ['', []],
    ['refresh-rate-60hz,home-app', ['60hz', 'privilegedclient']],
    ['issue-notifications=x,wan-lan,suspend-mode', ['overlayenabled', 'suspendable']],
    ['extramounts=/a\\,home-app:/b,mediarite-underlay', ['mediarite']],
    ['Home-App,game-controller,__proto__,constructor', ['gamecontrollersupport']],
  ];
  for (const [text, words] of cases) assert.deepEqual(windowCapabilities(text), words, text);
});
