/** What an app is given of its display, and what is asked of the window manager for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appSchema, type AppInput } from '../../src/domain/app.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { environment } from '../../src/spec/environment.ts';
import { fromRuntimeConfig } from '../../src/spec/from-runtime-config.ts';
import { mounts } from '../../src/spec/mounts.ts';
import { Origins } from '../../src/spec/origins.ts';
import { NO_PLATFORM } from '../../src/spec/platform/platform.ts';
import { windowCapabilities } from '../../src/spec/window-capabilities.ts';

const DISPLAY = { socket: '/run/x/wst-a' };
const SLEEP: AppInput = { rootfs: { host: true }, args: ['sleep', '9'] };

const mountsOf = (input: AppInput, display: typeof DISPLAY | null) =>
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
