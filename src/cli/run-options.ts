/** Options of `run`, and of `spec`, which takes the same words. */
import { ANY, DIRECTORY, FILE, type OptionRow } from './command.ts';

export const RUN_OPTIONS: readonly OptionRow[] = [
  { flags: '--instance <id>', doc: 'id of the new instance; a UUID when absent', words: ANY },
  { flags: '--bundle <dir>', doc: 'OCI bundle: a directory with config.json and a root file system', words: DIRECTORY },
  {
    flags: '--image <ref>',
    doc: 'oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE, or the path of an image',
    words: FILE,
  },
  { flags: '--rootfs <dir>', doc: 'directory that is a root file system', words: DIRECTORY },
  { flags: '--host-rootfs', doc: "the device's own system directories, read-only" },
  { flags: '--config <file>', doc: 'JSON or YAML description of the app; other options override it', words: FILE },
  { flags: '--env <name=value>', doc: 'environment variable', many: true, words: ANY },
  { flags: '--memory <size>', doc: 'memory limit, for example 64M or 1.5G', words: ANY },
  { flags: '--storage <size>', doc: "size of the app's private directory, for example 64M", words: ANY },
  { flags: '--cpus <number>', doc: 'CPU limit in cores, for example 0.5', words: ANY },
  { flags: '--swap <size>', doc: 'swap beyond the memory limit; none without it', words: ANY },
  { flags: '--cpu-shares <number>', doc: 'share of the processor under load; everybody has 1024', words: ANY },
  { flags: '--cores <list>', doc: 'cores that it may run on, for example 0-1,3', words: ANY },
  { flags: '--pids <number>', doc: 'most processes and threads at once', words: ANY },
  { flags: '--io-weight <number>', doc: 'share of the disks under load, 10 to 1000; everybody has 100', words: ANY },
  {
    flags: '--network <mode>',
    doc: 'none, nat or host',
    words: { kind: 'choice', choices: ['none', 'nat', 'host'] },
  },
  {
    flags: '--port <[address:]host:app>',
    doc: "forward a port to the app's (/udp at the end: UDP), at one address of this machine, or at all",
    many: true,
    words: ANY,
  },
  {
    flags: '--host-port <port>',
    doc: "let it reach this TCP port of the machine's own 127.0.0.1, at its own 127.0.0.1",
    many: true,
    words: ANY,
  },
  { flags: '--display <WxH>', doc: 'give it a display of this size, for example 1280x720', words: ANY },
  { flags: '--mount <src:dst[:ro]>', doc: 'show a host directory or file in the app', many: true, words: FILE },
  {
    flags: '--restart <policy>',
    doc: 'start it again when it has ended: never, on-failure or always; with :N given up after N attempts in a row',
    words: ANY,
  },
  { flags: '--noexec', doc: 'files in /data, /tmp and other tmpfs cannot be executed' },
  { flags: '--hibernatable', doc: 'prepare it for hibernation' },
  { flags: '--grace <time>', doc: 'time between SIGTERM and SIGKILL, for example 10s or 500ms', words: ANY },
];
