/** Words for docs/api.md that stand in no table of src. */

/** @type {Record<string, string>} */
export const PARAMETER_NOTES = {
  appId: 'Which app: 1 to 256 characters of `A-Z a-z 0-9 . _ : -`. Apps have their user id and storage by it.',
  appInstanceId: 'Which instance.',
  'generateSpec.appId': 'Which app; absent: what the instance `appInstanceId` was made of.',
  'generateSpec.appInstanceId': 'Which instance; with an app it need not be there.',
  'run.appInstanceId': 'Which instance of it: same characters; made as a UUID when absent or empty.',
  userId: 'User id the app must get, or the run is refused; 0 or absent: Runtime Manager chooses.',
  groupId: 'Group id the app must get, or the run is refused; 0 or absent: Runtime Manager chooses.',
  ports: "TCP ports of the machine's own 127.0.0.1 that the app reaches at the same port of its own: `app.hostPorts`.",
  paths: "Upstream's; ignored.",
  debugSettings: "Upstream's; ignored.",
  runtimeConfigObject:
    "What to run in RDK's words: [RuntimeConfig](configuration.md#runtimeconfig). Either this or `app`.",
  app: 'What to run in our words: [App](configuration.md#app). Either this or `runtimeConfigObject`.',
  all: 'The ended instances that are still known, too.',
  limit: 'At most so many of them in an answer.',
  key: 'Its name: 1 to 128 characters, none of them a control character.',
  value: 'At most 1024 characters. An instance has at most 64 annotations; a new run begins with none.',
  revision:
    'Nothing is changed (`CONFLICT`) when the annotations have another revision: `annotationRevision` of `getInfo`.',
  memoryBytes: 'At least 6 MiB; null: no limit.',
  'setLimits.cpus': "Cores' worth of time; null: no limit.",
  'setLimits.pids': 'Processes and threads at once; null: the default, 1024.',
  'setLimits.cpuShares': 'Of the processor when others want it too; null: 1024, as everybody has.',
  'setLimits.cores': 'Cores that it may run on, `0-1,3`; null: all that there are for apps.',
  'setLimits.ioWeight':
    'Of the disks when others want them too; null: 100, as everybody has. Refused where no disk is shared by weight (BFQ).',
  args: 'The program and its arguments; looked up in the `PATH` of the app.',
  'exec.env': "Besides the app's own.",
  'exec.cwd': "Working directory in the app; the app's own when absent.",
  'mount.source': 'File or directory of the host, with nothing mounted below it.',
  destination:
    'In the app: a place that is there (a directory for a directory, a file for a file), no mount point yet, and with no symbolic link on the way.',
  readOnly: '',
  'exec.stream':
    'Chosen by the caller, for one program of this WebSocket: output comes as notifications `<stream>.onExecOutput` with `{"stream": "stdout" | "stderr", "data": "<base64>"}`, input goes by `execInput`. A client that does not read holds the program up.',
  'exec.binary':
    'With `stream`: output comes as binary messages of the WebSocket in place of those notifications, each one frame: 1 byte 1 for stdout or 2 for stderr, 1 byte length of the name `stream`, that name in ASCII, then at most 128 KiB of output. It costs far less than base64 in JSON.',
  'execInput.stream': 'As in `exec`.',
  'getHistory.limit': 'The last so many events.',
  visible: '',
  'resizeDisplay.width': 'In pixels.',
  'resizeDisplay.height': 'In pixels.',
  tail: 'Begin with the last so many lines.',
};

const VOID = '`null`, or `{"already": true}` when it was so before.';
const NULL = '`null`';

/** @type {Partial<Record<string, string>>} */
export const RESULT_NOTES = {
  suspend: NULL,
  resume: NULL,
  hibernate: `${NULL}. Comes when the image is whole; that it is flushed to the disk too, \`getInfo\` says a little later (\`durable\`).`,
  wake: `${NULL}. Comes when the app is in the state that was asked for; a large one still gets pages from its image (\`complete\`).`,
  explainHibernation: '[`Explanation`](#types).',
  terminate: `${VOID} Comes when everything the app held is given back.`,
  kill: `${VOID} Comes when everything the app held is given back.`,
  annotate: '`null`, or `{"already": true}` when it was so before.',
  removeAnnotation: '`null`, or `{"already": true}` when it was not there.',
  setLimits:
    '[`Limits`](#types), as they are then. All of them or none is changed; one that would not be in force, as the app uses more, is refused (`LIMIT_FAILED`). What is absent stays.',
  mount: '`null`, or `{"already": true}` when the same was there before. Comes when the app sees it.',
  unmount:
    '`null`, or `{"already": true}` when nothing was mounted there. What the app uses is not taken away (`BUSY`).',
  exec: '[`ExecResult`](#types), when the program has ended; of stdout and stderr at most 512 KiB each. It is killed when its caller is gone.',
  execInput: '`null`, when the program has taken it.',
  getHistory:
    '[`History`](#types). An instance that is no longer remembered has one as long as the event log has events of it.',
  generateSpec: '[`GeneratedSpec`](#types). Its form: [rdk.md](rdk.md#layers).',
  getInfo: "the text of a JSON object (upstream's form, so it is parsed twice): [`AppInfo`](#types).",
  list: 'a list of [`AppSummary`](#types).',
  getLogs: [
    '[`LogPage`](#types). `ended`: the app has ended, no restart is due, and everything was read. `gap`: before the first of these lines',
    'some may be missing, because the log has reached `logMaxBytes` before they were read; without it none is. `bytes` of a line, only',
    'where it is no UTF-8: what was written, as base64. A cursor holds over restarts of the daemon, and of the app.',
  ].join('\n'),
  getScreenshot: '[`Screenshot`](#types).',
  setVisible: VOID,
  setFocus: `${VOID} A hidden app has it when it is shown.`,
  setZOrder: VOID,
  resizeDisplay: VOID,
  getView:
    '`{"path": …, "url": …}`: the page, `url` whole, or null where the daemon does not listen by TCP. [A view](#a-live-view).',
  getEvents: '[`EventPage`](#types). `firstSeq` above `since + 1`: older events are no longer kept.',
  listImages: 'a list of [`ImageEntry`](#types).',
  listPackages: '[`PackageStore`](#types).',
  prunePackages: '[`Pruned`](#types). `BUSY` while an image is being unpacked.',
  listStorage: 'a list of `StorageEntry`: [types](#types).',
  clearStorage: `${NULL}, or \`{"already": true}\` when there is none. Refused while an instance of the app is there, asleep or not.`,
  deleteStorage: `${NULL}, or \`{"already": true}\` when there is none. Refused while an instance of the app is there, asleep or not.`,
  getEngine:
    '[`EngineReport`](#types). The engine itself is asked: for one that is a daemon of its own that takes up to 5 s while it hangs.',
  version: '[`Version`](#types).',
};

/** @type {Record<string, string>} */
export const APP_NOTES = {
  rootfs: "Where the app's root file system comes from. Nothing of it is changed; the app sees it read-only.",
  'rootfs.image': 'An image on this device; nothing is fetched. `args` replace its entry point and command.',
  cwd: "Working directory; the bundle's, else `/`.",
  env: 'Environment variables. Set anyway: `PATH`, `HOME=/data`, `APPLICATION_NAME`, `APPLICATION_TOKEN`, `RUNTIME_MANAGER_WAKE`; with a display `XDG_RUNTIME_DIR`, `WAYLAND_DISPLAY`.',
  limits: 'What it may use of the machine.',
  'limits.memoryBytes': 'Above it the kernel kills a process of the app, and all of the app ends (cause `oom`).',
  'limits.pids': 'Most processes and threads at once; 1024 when absent.',
  network: '`none`: only a loopback interface of its own; `nat`: IPv4 only.',
  ports: 'Ports of the host that lead to the app.',
  'ports[].host': 'On the host.',
  'ports[].address':
    "IPv4 address of this machine at which the port is published; the daemon's `network.publishAddress` when absent.",
  'ports[].app': 'In the app.',
  'ports[].protocol': '',
  hostPorts:
    "TCP ports of the machine's own 127.0.0.1 that the app reaches at the same port of its own 127.0.0.1, in the networks `none` and `nat`; at most 64. An app that listens at such a port itself finds it taken.",
  display:
    'A Wayland display of its own: `WAYLAND_DISPLAY` in `XDG_RUNTIME_DIR`. Who makes it says [the configuration](configuration.md); `{}`: of any size.',
  'display.height': '',
  mounts: 'Directories and files of the host. Not in `/proc`, `/dev`, `/sys`, and not on `/run` or `/data` themselves.',
  tmpfs: 'Directories in memory that the app may write, gone when it ends. Not where `mounts` cannot be.',
  devices:
    'Device nodes of the machine, or directories of them, that the app sees at the same place. Only those that `apps.devices` of the daemon lists.',
  groups:
    'Groups of the machine, by number or name, that the app is in besides its own: they open its devices. Only together with `devices`.',
  'tmpfs[].destination': 'In the app; made where it is missing.',
  'tmpfs[].sizeBytes': "In bytes; the daemon's `apps.tmpBytes` when absent.",
  'tmpfs[].noExec': 'Files in it cannot be executed.',
  'mounts[].source': 'On the host.',
  'mounts[].destination': 'In the app; made where it is missing.',
  'mounts[].readOnly': 'Also for what is mounted below it.',
  restart: 'Whether it is started again when it has ended, as the same instance.',
  storage: "The app's private directory, `/data` inside, kept over runs.",
  hibernation: 'How it goes to disk and comes back: [hibernation.md](hibernation.md).',
  'hibernation.enabled': 'False: `hibernate` is refused, and the app gets no `RUNTIME_MANAGER_WAKE`.',
};

/** @type {Record<string, string>} */
export const EVENT_NOTES = {
  onStarted: 'the app runs',
  onTerminated: 'the app has ended; `exitCode` is absent when nobody saw it',
  onFailure:
    'the app could not be started, or what failed has ended it; `error` is a code of [errors.md](errors.md). What fails and leaves the app as it was has no such event: it is in the answer, in `onEvent` (`failure`) and in `getHistory`',
  onStateChanged: 'the instance is in another state',
  onEvent: 'ours: every event, whole, with its number',
};
