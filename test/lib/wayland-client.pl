# A Wayland client of one window in one colour, in nothing but what perl-base has.
#   perl wayland-client.pl RRGGBB [--count | --retitle | --flicker]
# --count: another shade with each frame. --retitle: another title all the time. --flicker: the window goes and comes all the time.
# `idle` for a colour: it only connects.
# It says `shown WxH` when it has drawn a size, `frame N` each 30 frames, `key N` for each key, `closed` at its end.
use strict; use warnings; use Socket;
$| = 1;
my ($colour, $how) = (@ARGV, ''); my $counting = $how eq '--count';
my $sendmsg = { x86_64 => 46, aarch64 => 211 }->{ (split ' ', `uname -m`)[0] } or die "unknown machine\n";
my $path = $ENV{WAYLAND_DISPLAY} =~ m{^/} ? $ENV{WAYLAND_DISPLAY} : "$ENV{XDG_RUNTIME_DIR}/$ENV{WAYLAND_DISPLAY}";
socket(my $display, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
connect($display, pack_sockaddr_un($path)) or die "connect $path: $!\n";

my ($next_id, %name, %on) = (2);
sub id { $next_id++ }
sub text { my $t = "$_[0]\0"; pack('L', length $t) . $t . "\0" x (-length($t) % 4) }
sub request { my ($object, $opcode, $body) = @_; my $out = pack('LL', $object, (8 + length $body) << 16 | $opcode) . $body;
  while (length $out) { my $n = syswrite($display, $out) // die "write: $!\n"; substr($out, 0, $n, '') } }
# The only request with a descriptor: sendmsg(2) with SCM_RIGHTS, by hand.
sub request_fd { my ($object, $opcode, $body, $fd) = @_;
  my $data = pack('LL', $object, (8 + length $body) << 16 | $opcode) . $body;
  my $control = pack('QllL x4', 20, SOL_SOCKET, 1, $fd);
  my $iov = pack('PQ', $data, length $data);
  my $header = pack('Q L x4 P Q P Q l x4', 0, 0, $iov, 1, $control, length $control, 0);
  syscall($sendmsg, fileno $display, $header, 0) == length $data or die "sendmsg: $!\n" }

my ($input, @events) = ('');
sub read_events { sysread($display, $input, 65536, length $input) or (print("closed\n"), exit 3);
  while (length $input >= 8) { my ($object, $word) = unpack 'LL', $input; my $size = $word >> 16;
    last if length $input < $size; my $event = substr $input, 0, $size, '';
    my $handler = $on{$object}; $handler->($word & 0xffff, substr $event, 8) if $handler } }

my $registry = id(); my $done = 0;
$on{1} = sub { my ($code, $body) = @_; if ($code == 0) { my (undef, undef, $n) = unpack 'LLL', $body; print 'error ', substr($body, 12, $n - 1), "\n"; exit 1 } };
$on{$registry} = sub { my ($code, $body) = @_; return if $code; my ($n, $length) = unpack 'LL', $body; $name{ substr $body, 8, $length - 1 } = $n };
sub roundtrip { my $callback = id(); my $back = 0; $on{$callback} = sub { $back = 1 }; request(1, 0, pack 'L', $callback); read_events() until $back }
sub bind_to { my ($interface) = @_; my $n = $name{$interface} // die "no $interface\n"; my $id = id(); request($registry, 0, pack('L', $n) . text($interface) . pack('LL', 1, $id)); $id }
request(1, 1, pack 'L', $registry); roundtrip();
print 'globals ', join(' ', sort keys %name), "\n";

if ($colour eq 'idle') { read_events() while 1 }
my ($compositor, $shm, $base, $seat) = map { bind_to($_) } qw(wl_compositor wl_shm xdg_wm_base wl_seat);
$on{$base} = sub { my ($code, $body) = @_; request($base, 3, $body) if $code == 0 };
my $keyboard;
$on{$seat} = sub { my ($code, $body) = @_; return if $code; my $has = 2 & unpack 'L', $body; $keyboard = undef if !$has; return if $keyboard or !$has;
  $keyboard = id(); request($seat, 1, pack 'L', $keyboard);
  $on{$keyboard} = sub { my ($code, $body) = @_; return if $code != 3; my (undef, undef, $key, $down) = unpack 'LLLL', $body; print "key $key\n" if $down } };
my ($surface, $xdg, $top) = (id(), id(), id());
request($compositor, 0, pack 'L', $surface);
request($base, 2, pack 'LL', $xdg, $surface);
request($xdg, 1, pack 'L', $top);
request($top, 2, text("colour $colour")); request($top, 3, text('wayland-client'));

my ($width, $height, $frames, $shown) = (320, 240, 0, '');
my ($pool, @buffers, $file, $pool_size);
sub draw { my ($w, $h) = ($width, $height); my $size = $w * $h * 4;
  my $shade = $counting ? sprintf '%06x', ($frames * 0x010203) & 0xffffff : $colour;
  open($file, '+>', "$ENV{XDG_RUNTIME_DIR}/pixels-$$") or die "pixels: $!\n"; unlink "$ENV{XDG_RUNTIME_DIR}/pixels-$$";
  syswrite $file, pack('L', hex $shade) x ($w * $h);
  my ($new_pool, $buffer) = (id(), id());
  request_fd($shm, 0, pack('L', $new_pool) . pack('l', $size), fileno $file); close $file;
  request($new_pool, 0, pack 'LlllLL', $buffer, 0, $w, $h, $w * 4, 1);
  request($new_pool, 1, '');
  $on{$buffer} = sub { request($buffer, 0, '') };
  request($surface, 1, pack 'Lll', $buffer, 0, 0); request($surface, 2, pack 'llll', 0, 0, $w, $h);
  my $frame = id(); $on{$frame} = sub { delete $on{$frame}; $frames++; print "frame $frames\n" if $frames % 30 == 0; draw() if $counting };
  request($surface, 3, pack 'L', $frame); request($surface, 6, '');
  print "shown ${w}x$h\n" if $shown ne "${w}x$h"; $shown = "${w}x$h" }
$on{$top} = sub { my ($code, $body) = @_; if ($code == 0) { my ($w, $h) = unpack 'll', $body; ($width, $height) = ($w, $h) if $w > 0 && $h > 0 } exit 0 if $code == 1 };
$on{$xdg} = sub { my ($code, $body) = @_; return if $code; request($xdg, 4, $body); draw() if $shown ne "${width}x$height" };
request($surface, 6, '');
if ($how eq '--retitle') { read_events() while !$shown; for (my $n = 0; ; $n++) { request($top, 2, text("title $n")); roundtrip() if $n % 10 == 0 } }
# a surface without a buffer is no window any more; configured again, it is one with the next (xdg-shell.xml, xdg_surface)
if ($how eq '--flicker') { while (1) { read_events() while !$shown; roundtrip(); request($surface, 1, pack 'Lll', 0, 0, 0); request($surface, 6, ''); $shown = ''; request($surface, 6, ''); roundtrip() } }
read_events() while 1;
