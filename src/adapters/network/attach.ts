/**
 * Joins an app's network namespace to this machine, by a cable (veth) with two ends. The namespace is the runtime's own: one that was made before and is joined by its
 * path can be dumped together with a user namespace, but not restored (facts/engine.md §4).
 */
import type { Attachment } from '../../ports/networks.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';
import type { Hook } from './loopback.ts';

const TIMEOUT_S = 20;
const INTERFACE = 'eth0';

/**
 * $1 host interface, $2 hardware address, $3 address, $4 gateway, $5 pid; without a pid, a hook: the state of the container comes
 * by stdin, as JSON. Every value is an address or name of our own making.
 * Neither end has an IPv6 address, not even one for its link: nobody has given the app any. The inner end is asked not to make
 * one, as its settings in /proc/sys would take another process to write.
 * route_localnet: what this machine itself asks for at 127.0.0.1 may lead to an app, too (ip-sysctl.rst).
 */
const ATTACH = `set -e
pid=$5
if [ -z "$pid" ]; then
  read -r state || :
  pid=\${state#*'"pid":'}
  pid=\${pid%%[!0-9]*}
fi
ip -batch - <<END
link add $1 up type veth peer name ${INTERFACE} address $2 netns $pid
address add $4 peer $3 dev $1
END
echo 1 > /proc/sys/net/ipv4/conf/$1/forwarding
echo 1 > /proc/sys/net/ipv4/conf/$1/route_localnet
ipv6=/proc/sys/net/ipv6/conf/$1/disable_ipv6
silent=
if [ -e "$ipv6" ]; then
  echo 1 > "$ipv6"
  silent="link set ${INTERFACE} addrgenmode none"
fi
exec nsenter --target "$pid" --net ip -batch - <<END
link set lo up
address add $3 dev ${INTERFACE}
$silent
link set ${INTERFACE} up
route add $4 dev ${INTERFACE}
route add default via $4
END`;

const argumentsOf = ({ hostInterface, hardwareAddress, address, gateway }: Attachment): readonly string[] => [
  ...['-c', ATTACH, 'attach'],
  ...[hostInterface, hardwareAddress, address, gateway],
];

/** For `createRuntime`: the namespaces are there and the app is not; at a restore its sockets are not yet bound. */
export const attachHook = (attachment: Attachment, searchPath: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', ...argumentsOf(attachment)],
  env: [`PATH=${searchPath}`],
  timeout: TIMEOUT_S,
});

/** The same to a container that runs, once. */
export const attach =
  (runTool: RunTool) =>
  async (attachment: Attachment, { pid }: ProcessId, wait: Wait): Promise<void> => {
    const look = ['nsenter', '--target', String(pid), '--net', 'ip', 'link', 'show', INTERFACE];
    const { exitCode } = await runTool(look, { ...wait, accept: [0, 1] });
    if (exitCode === 0) return;
    await runTool(['/bin/sh', ...argumentsOf(attachment), String(pid)], wait);
  };
