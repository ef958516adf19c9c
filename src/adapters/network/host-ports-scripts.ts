/**
 * Leads ports of an app's own 127.0.0.1 to the same ports of this machine's (decision 0190). Two programs for perl, which is on every
 * Debian (perl-base is essential) and makes any system call by number.
 *
 * OPEN runs as root, once: it listens in the app's network namespace and becomes the forwarder, which is in this machine's. Its
 * arguments: the number of setns; the app's pid, or nothing for a hook, whose stdin says it; the ports, with commas; `--`, the
 * forwarder's command line. It ends when the ports are open, or says on stderr why not. IP_FREEBIND, because loopback may not be up
 * yet. A port that has a listener is left to it when a pid is given: then this has been done before.
 * Sources: namespaces(7), pidfd_open(2), ip(7); OCI runtime specification, config.md "POSIX-platform Hooks".
 */
export const OPEN = String.raw`
use strict; use POSIX ();
my ($setns, $pid, $ports) = splice @ARGV, 0, 3; shift @ARGV;
my $again = $pid ne '';
sub must { my ($step, $done) = @_; return $done if $done; die "$step: $!\n" }
if (!$again) { local $/; ($pid) = <STDIN> =~ /"pid"\s*:\s*(\d+)/ or die "the runtime names no process\n" }
my $end = syscall(434, $pid + 0, 0);
must("process $pid", $end >= 0);
my ($here, $there);
must('network', open $here, '<', '/proc/self/ns/net'); must('network', open $there, '<', "/proc/$pid/ns/net");
must('network', syscall($setns + 0, fileno $there, 0x40000000) == 0);
my @open;
for my $port (split /,/, $ports) {
  must('socket', socket(my $listener, 2, 1, 6)); setsockopt($listener, 1, 2, pack 'i', 1); setsockopt($listener, 0, 15, pack 'i', 1);
  if (!bind($listener, pack 'Sna4x8', 2, $port, "\x7f\0\0\1")) { next if $again && $!{EADDRINUSE}; die "port $port of the app: $!\n" }
  must("port $port of the app", listen $listener, 32);
  push @open, [$listener, $port] }
must('network', syscall($setns + 0, fileno $here, 0x40000000) == 0);
close $_ for $here, $there;
exit 0 if !@open;
my $child = fork; must('process', defined $child);
POSIX::_exit(0) if $child;
POSIX::setsid();
for ([*STDIN, '<'], [*STDOUT, '>'], [*STDERR, '>']) { my ($stream, $way) = @$_; open $stream, $way, '/dev/null' }
open(my $life, '<&=', $end); fcntl($_, 2, 0) for $life, map { $_->[0] } @open;
exec { $ARGV[0] } @ARGV, $end, map { fileno($_->[0]) . ":$_->[1]" } @open or exit 1;`;

/**
 * FORWARD holds nothing but these descriptors: the app's first process (pidfd), whose end is its own, and the listeners, as
 * `descriptor:port`. Both ends of a connection are read only while less than BUFFER bytes wait for the other. Beyond MOST
 * connections, or RATE new ones in a second, an app is reset or waits. Where nothing listens on the machine, or an end breaks, the other is reset.
 */
export const FORWARD = String.raw`
use strict;
$SIG{PIPE} = 'IGNORE';
my ($most, $rate, $buffer, $life, @places) = @ARGV;
$0 = join ' ', 'runtime-manager-host-ports', map { /(\d+)$/ } @places;
my (%listener, %end); my ($second, $new) = (0, 0);
for (@places) { my ($fd, $port) = split /:/; open(my $h, '+<&=', $fd) or exit 1; fcntl($h, 4, 04000); $listener{$fd} = [$h, $port] }
sub reset_end { setsockopt($_[0], 1, 13, pack 'ii', 1, 0); close $_[0] }
sub drop { my ($one, $how) = @_;
  for my $each ($one, $one->{other}) { delete $end{$each->{fd}}; $how ? reset_end($each->{h}) : close $each->{h} }
  delete $one->{other}{other}; delete $one->{other} }
sub made { my ($h) = @_; my $made = { h => $h, fd => fileno $h, out => '', reads => 1 }; $end{$made->{fd}} = $made }
sub lead { my ($h, $port) = @_;
  fcntl($h, 4, 04000);
  socket(my $to, 2, 1, 6) or return reset_end($h);
  fcntl($to, 4, 04000);
  my $connected = connect($to, pack 'Sna4x8', 2, $port, "\x7f\0\0\1");
  return reset_end($h) if !$connected && !$!{EINPROGRESS};
  setsockopt($_, 6, 1, pack 'i', 1) for $h, $to;
  my ($app, $host) = (made($h), made($to));
  $host->{pending} = !$connected; $app->{other} = $host; $host->{other} = $app }
sub finish { my ($one) = @_;
  if (!$one->{other}{reads} && $one->{out} eq '' && !$one->{shut}) { $one->{shut} = 1; shutdown $one->{h}, 1 }
  drop($one, 0) if $one->{shut} && $one->{other}{shut} }
sub put { my ($one) = @_;
  if ($one->{pending}) { return drop($one, 1) if unpack 'i', getsockopt($one->{h}, 1, 4); $one->{pending} = 0 }
  if ($one->{out} ne '') { my $sent = syswrite $one->{h}, $one->{out};
    if (!defined $sent) { drop($one, 1) if !$!{EAGAIN}; return }
    substr $one->{out}, 0, $sent, '' }
  finish($one) }
sub take { my ($one) = @_; my $other = $one->{other};
  my $got = sysread $one->{h}, my $chunk, $buffer;
  if (!defined $got) { drop($one, 1) if !$!{EAGAIN}; return }
  if ($got) { $other->{out} .= $chunk; put($other) if !$other->{pending} }
  else { $one->{reads} = 0; finish($other) if !$other->{pending} } }
while (1) {
  ($second, $new) = (time, 0) if $second != time;
  my $full = $new >= $rate; my ($r, $w) = ('', ''); vec($r, $life, 1) = 1;
  if (!$full) { vec($r, $_, 1) = 1 for keys %listener }
  for my $one (values %end) {
    vec($r, $one->{fd}, 1) = 1 if $one->{reads} && !$one->{pending} && length $one->{other}{out} < $buffer;
    vec($w, $one->{fd}, 1) = 1 if $one->{pending} || $one->{out} ne '' }
  next if select($r, $w, undef, $full ? 0.2 : undef) < 0;
  exit 0 if vec($r, $life, 1);
  for my $fd (keys %listener) { next if !vec($r, $fd, 1);
    my ($from, $port) = @{ $listener{$fd} }; accept(my $h, $from) or next; $new++;
    keys(%end) < 2 * $most ? lead($h, $port) : reset_end($h) }
  for my $fd (keys %end) { my $one = $end{$fd} or next; put($one) if vec($w, $fd, 1); $one = $end{$fd} or next; take($one) if vec($r, $fd, 1) }
}`;
