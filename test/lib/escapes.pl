# Ways out of a container, one a line: `name: refused` or `name: OUT (why)`. Perl, because it can make any system call and every
# Debian has it. Each asks for something that only somebody outside, or with a privilege, could get.
use strict; use warnings; no warnings 'syscalls';
use Fcntl; use Socket;
$| = 1;
my ($hostPid, $secret) = @ARGV;
my $pack = sub { pack('Z*', $_[0]) };
my $say = sub { my ($name, $out) = @_; print "$name: ", ($out ? "OUT ($out)" : "refused"), "\n" };
# A system call: not -1 is out.
my $call = sub {
  my ($name, @call) = @_;
  my $got = syscall($call[0], @call[1 .. $#call]);
  $say->($name, defined $got && $got != -1 ? "returned $got" : 0);
};
my $write = sub { my ($name, $path, $text) = @_; my $f; my $ok = sysopen($f, $path, O_WRONLY) && defined syswrite($f, $text); $say->($name, $ok ? "wrote $path" : 0) };
my $read = sub { my ($name, $path) = @_; my $f; my $ok = open($f, '<', $path) && defined(my $line = <$f>); $say->($name, $ok ? "read $path" : 0) };
my ($p, $z) = ("\0" x 4096, 0);
my @s = map { "$_\0" } ('none', '/mnt', 'tmpfs', '/proc', 'proc', '/', '/tmp', '/dev/sda');

$call->('mount a tmpfs', 165, $s[0], $s[6], $s[2], 0, 0);
$call->('mount proc', 165, $s[4], $s[6], $s[4], 0, 0);
$call->('bind the root', 165, $s[5], $s[6], $s[0], 4096, 0);
$call->('remount the root writable', 165, $s[0], $s[5], $s[0], 32 | 4096, 0);
$call->('remount /sys writable', 165, $s[0], "/sys\0", $s[0], 32 | 4096, 0);
$call->('unmount a mask', 166, "/proc/kcore\0", 2);
$call->('move a mount', 165, "/proc\0", $s[6], $s[0], 8192, 0);
$call->('fsopen', 430, $s[2], 0);
$call->('open_tree', 428, -100, $s[5], 1);
$call->('mount_setattr', 442, -100, $s[5], 0, $p, 32);
$call->('pivot_root', 155, $s[6], $s[6]);
$call->('chroot', 161, $s[6]);
for my $ns ([mount => 0x20000], [cgroup => 0x2000000], [uts => 0x4000000], [ipc => 0x8000000], [user => 0x10000000], [pid => 0x20000000], [net => 0x40000000]) {
  $call->("unshare the $ns->[0] namespace", 272, $ns->[1]);
}
{
  my $pid = syscall(56, 0x10000000 | 17, 0, 0, 0, 0);
  if (defined $pid && $pid == 0) { syscall(231, 0) }
  $say->('clone into a user namespace', defined $pid && $pid > 0 ? "pid $pid" : 0);
  my $args = pack('Q11', 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0);
  $pid = syscall(435, $args, 88);
  if (defined $pid && $pid == 0) { syscall(231, 0) }
  $say->('clone3 into a user namespace', defined $pid && $pid > 0 ? "pid $pid" : 0);
}
for my $ns ('mnt', 'net', 'user') {
  my $f; my $ok = sysopen($f, "/proc/1/ns/$ns", O_RDONLY);
  $say->("setns into the $ns namespace of pid 1", $ok && syscall(308, fileno($f), 0) != -1 ? 'in' : 0);
}
$call->('setuid 0', 105, 0);
$call->('setgid 0', 106, 0);
$call->('setgroups', 116, 1, pack('L', 0));
$call->('setresuid of a stranger', 117, 12345, 12345, 12345);
$call->('raise capabilities', 126, pack('LL', 0x20080522, 0), pack('L6', 0xffffffff, 0xffffffff, 0, 0xffffffff, 0xffffffff, 0));
$call->('drop no_new_privs', 157, 38, 0, 0, 0, 0);
$call->('load a module', 175, $p, 4096, "\0");
$call->('load a module from a file', 313, 0, "\0", 0);
$call->('kexec', 246, 0, 0, $p, 0);
$call->('kexec from a file', 320, 0, 0, 0, "\0", 0);
$call->('bpf', 321, 5, $p, 120);
$call->('perf events of the machine', 298, $p, -1, 0, -1, 0);
$call->('userfaultfd', 323, 0);
$call->('io_uring', 425, 4, $p);
$call->('fanotify', 300, 0, 0);
$call->('add a key', 248, "user\0", "k\0", "x", 1, -3);
$call->('join the session keyring', 250, 1, 0);
$call->('ask for a key', 249, "user\0", "k\0", 0, -3);
$call->('kernel log', 103, 3, $p, 4096);
$call->('swapon', 167, $s[7], 0);
$call->('swapoff', 168, $s[7]);
$call->('reboot', 169, 0xfee1dead, 672274793, 0, 0);
$call->('sethostname', 170, "evil\0", 4);
$call->('setdomainname', 171, "evil\0", 4);
$call->('settimeofday', 164, pack('qq', time, 0), 0);
$call->('clock_settime', 227, 0, pack('qq', time, 0));
$call->('accounting', 163, 0);
$call->('quotactl', 179, 0x80000700, $s[7], 0, $p);
$call->('io ports', 172, 3);
$call->('open by handle', 304, -100, pack('LLLL', 8, 1, 2, 0), 0);
$call->('make a disk node', 133, "/tmp/disk\0", 0060666, 0x800);
$call->('make a memory node', 133, "/tmp/mem\0", 0020666, 0x101);
$say->('a raw socket', socket(my $raw, AF_INET, SOCK_RAW, 1));
$say->('a packet socket', socket(my $packet, 17, SOCK_RAW, 0x300));
$say->('a vsock', socket(my $vsock, 40, SOCK_STREAM, 0));
$say->('an AF_ALG socket', socket(my $alg, 38, 5, 0));
$call->('signal a process of the machine', 62, $hostPid, 0);
$call->('trace a process of the machine', 101, 16, $hostPid, 0, 0);
$read->('see a process of the machine', "/proc/$hostPid/cmdline") if $hostPid > 100;
$read->('memory of pid 1', '/proc/1/mem');
$read->('a file of the machine by its path', $secret);
$read->('a file of the machine by the root of pid 1', "/proc/1/root$secret");
$read->('the shadow file', '/etc/shadow');
$read->('kernel memory', '/proc/kcore');
$read->('the kernel log', '/dev/kmsg');
$read->('keys', '/proc/keys');
$write->('sysrq', '/proc/sysrq-trigger', 'h');
$write->('core pattern', '/proc/sys/kernel/core_pattern', '|/tmp/x');
$write->('modprobe path', '/proc/sys/kernel/modprobe', '/tmp/x');
$write->('forwarding', '/proc/sys/net/ipv4/ip_forward', '1');
$write->('oom score of pid 1', '/proc/1/oom_score_adj', '-1000');
$write->('oom score below its own', '/proc/self/oom_score_adj', '-999');
$write->('a wider id map', '/proc/self/uid_map', "0 0 1\n");
$write->('uevent helper', '/sys/kernel/uevent_helper', '/tmp/x');
$write->('power state', '/sys/power/state', 'mem');
for my $dir (glob('/sys/fs/cgroup /sys/fs/cgroup/*')) {
  next unless -e "$dir/release_agent" || -e "$dir/cgroup.procs";
  $write->("release_agent in $dir", "$dir/release_agent", '/tmp/x');
  $write->("out of the group in $dir", "$dir/cgroup.procs", "$$\n");
}
$say->('a file in the root', sysopen(my $root, '/escaped', O_CREAT | O_WRONLY));
$say->('a file in /usr', sysopen(my $usr, '/usr/escaped', O_CREAT | O_WRONLY));
$write->('its own process 1', '/run/runtime-manager/init', 'x');
$write->('the program of pid 1', '/proc/1/exe', 'x');
{
  my @leaks = grep { my $to = readlink("/proc/self/fd/$_") // ''; $_ > 2 && $to =~ m{^/} && $to !~ m{^/(proc|tmp)} && $to !~ /escapes/ } map { m{(\d+)$} } glob('/proc/self/fd/*');
  $say->('a descriptor of the machine', join ' ', map { readlink("/proc/self/fd/$_") // '' } @leaks);
  opendir(my $d, '/proc/self/cwd/../../../../../..'); my %seen = map { $_ => 1 } readdir $d;
  $say->('above the root', $seen{'boot'} || $seen{'root'} ? 'saw the machine' : 0);
}
{
  my ($tty, $c) = (undef, 'x');
  $say->('type into a terminal', sysopen($tty, '/dev/tty', O_RDWR) && ioctl($tty, 0x5412, $c));
  open(my $s, '<', '/proc/self/status'); my %status = map { /^(\w+):\s*(.*)/ ? ($1, $2) : () } <$s>;
  $say->('capabilities', $status{CapEff} =~ /[^0]/ || $status{CapBnd} =~ /[^0]/ ? $status{CapBnd} : 0);
  $say->('a program without no_new_privs', $status{NoNewPrivs} ne '1');
  $say->('a program without a filter', $status{Seccomp} ne '2');
  open(my $g, '<', '/proc/self/cgroup'); my @groups = <$g>;
  $say->('the name of its control group', join(' ', map { chomp; $_ } grep { !m{:/$} } @groups));
}
print "done\n";
