# Moves a virtual pointer about on a display: perl wayland-pointer.pl MOTIONS. Says `moved MOTIONS`.
use strict; use warnings; use Socket;
$| = 1;
my ($motions) = @ARGV;
socket(my $display, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
connect($display, pack_sockaddr_un($ENV{WAYLAND_SOCKET_PATH})) or die "connect: $!\n";
my ($next_id, %name, %on) = (2);
sub id { $next_id++ }
sub text { my $t = "$_[0]\0"; pack('L', length $t) . $t . "\0" x (-length($t) % 4) }
sub request { my ($object, $opcode, $body) = @_; my $out = pack('LL', $object, (8 + length $body) << 16 | $opcode) . $body;
  while (length $out) { my $n = syswrite($display, $out) // die "write: $!\n"; substr($out, 0, $n, '') } }
my $input = '';
sub read_events { sysread($display, $input, 65536, length $input) or die "closed\n";
  while (length $input >= 8) { my ($object, $word) = unpack 'LL', $input; my $size = $word >> 16;
    last if length $input < $size; my $event = substr $input, 0, $size, '';
    $on{$object}->($word & 0xffff, substr $event, 8) if $on{$object} } }
my $registry = id();
$on{1} = sub { my ($code, $body) = @_; die 'error ', substr($body, 12), "\n" if $code == 0 };
$on{$registry} = sub { my ($code, $body) = @_; my ($n, $length) = unpack 'LL', $body; $name{ substr $body, 8, $length - 1 } = $n if $code == 0 };
sub roundtrip { my $callback = id(); my $back = 0; $on{$callback} = sub { $back = 1 }; request(1, 0, pack 'L', $callback); read_events() until $back }
sub bind_to { my ($interface) = @_; my $id = id(); request($registry, 0, pack('L', $name{$interface} // die "no $interface\n") . text($interface) . pack('LL', 1, $id)); $id }
request(1, 1, pack 'L', $registry); roundtrip();
my ($seat, $manager) = (bind_to('wl_seat'), bind_to('zwlr_virtual_pointer_manager_v1'));
my $pointer = id(); request($manager, 0, pack 'LL', $seat, $pointer);
# motion_absolute: time, x, y, and the size that they are of; frame after each.
for my $n (1 .. $motions) { request($pointer, 1, pack 'LLLLL', $n, $n % 300, $n % 180, 300, 180); request($pointer, 4, ''); roundtrip() if $n % 100 == 0 }
roundtrip(); print "moved $motions\n";
