# A program in a container that takes the place of its compositor's Wayland socket and announces one output of any size: wl_shm,
# wl_output, zxdg_output_manager_v1 and zwlr_screencopy_manager_v1 as wlroots has them (types/wlr_screencopy_v1.c), as far as grim(1) asks.
#   perl false-compositor.pl WIDTH HEIGHT | hang        `hang`: it takes connections and never answers
# It says `false` when it is in place, and `asked` for each picture.
use strict; use warnings; use Socket;
$| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE';
my ($width, $height) = @ARGV;
my $own = $ENV{XDG_RUNTIME_DIR};
rename "$own/wayland-1", "$own/true-1" or die "rename: $!\n";
my $listener; socket($listener, AF_UNIX, SOCK_STREAM, 0) && bind($listener, pack_sockaddr_un("$own/wayland-1")) && listen($listener, 16) or die "listen: $!\n";
print "false\n";
my %global = (1 => 'wl_shm', 2 => 'wl_output', 3 => 'zwlr_screencopy_manager_v1', 4 => 'zxdg_output_manager_v1');
sub text { my $t = "$_[0]\0"; pack('L', length $t) . $t . "\0" x (-length($t) % 4) }
sub serve { my ($client) = @_;
  my ($input, %is) = ('', 1 => 'wl_display');
  my $event = sub { my ($object, $code, $body) = @_; my $out = pack('LL', $object, (8 + length $body) << 16 | $code) . $body; syswrite($client, $out) };
  my %on = (
    wl_display => sub { my ($code, $body) = @_; my $id = unpack 'L', $body;
      if ($code == 0) { $event->($id, 0, pack 'L', 1); $event->(1, 1, pack 'L', $id); return }
      $is{$id} = 'wl_registry'; $event->($id, 0, pack('L', $_) . text($global{$_}) . pack('L', 1)) for sort keys %global },
    wl_registry => sub { my ($code, $body) = @_; my ($name, $length) = unpack 'LL', $body;
      my $id = unpack 'L', substr $body, 8 + $length + (-$length % 4) + 4; $is{$id} = $global{$name};
      $event->($id, 0, pack 'L', 1) if $name == 1;
      return if $name != 2;
      $event->($id, 0, pack('lllll', 0, 0, 0, 0, 0) . text('false') . text('false') . pack('l', 0));
      $event->($id, 1, pack 'Llll', 1, $width, $height, 60000) },
    zwlr_screencopy_manager_v1 => sub { my ($code, $body) = @_; return if $code > 1; my $id = unpack 'L', $body; $is{$id} = 'frame'; print "asked\n";
      $event->($id, 0, pack 'LLLL', 1, $width, $height, $width * 4) },
    zxdg_output_manager_v1 => sub { my ($code, $body) = @_; return if $code != 1; my $id = unpack 'L', $body; $is{$id} = 'xdg_output';
      $event->($id, 0, pack 'll', 0, 0); $event->($id, 1, pack 'll', $width, $height); $event->($id, 2, '') },
    xdg_output => sub { }, frame => sub { }, wl_shm => sub { my ($code, $body) = @_; $is{ unpack 'L', $body } = 'pool' }, pool => sub { }, wl_output => sub { });
  while (sysread($client, $input, 65536, length $input)) {
    next if $width eq 'hang';
    while (length $input >= 8) { my ($object, $word) = unpack 'LL', $input; my $size = $word >> 16; last if length $input < $size;
      my $request = substr $input, 0, $size, ''; my ($code, $kind) = ($word & 0xffff, $is{$object} // 'pool');
      if ($kind eq 'frame' && $code == 0) { $event->($object, 1, pack 'L', 0); $event->($object, 2, pack 'LLL', 0, 0, 0); next }
      $on{$kind}->($code, substr $request, 8) } } }
while (1) { accept(my $client, $listener) or next; my $child = fork // die "fork: $!\n"; if (!$child) { serve($client); exit 0 } close $client }
