# A program in a container that takes the place of its compositor's IPC socket (sway-ipc(7); sway/ipc-server.c) and says what it likes.
#   perl false-sway.pl flood | long | deep | bytes
# `flood`: windows come and go as fast as they are read. `long`: messages of 4 MB. `deep`: trees nested without end. `bytes`: an answer
# byte by byte. It says `false` when it is in place, and `asked` for each subscription.
use strict; use warnings; use Socket; use IO::Select;
$| = 1; $SIG{PIPE} = 'IGNORE';
my ($how) = @ARGV;
my $own = $ENV{XDG_RUNTIME_DIR};
rename "$own/ipc.sock", "$own/true.sock" or die "rename: $!\n";
my $listener; socket($listener, AF_UNIX, SOCK_STREAM, 0) && bind($listener, pack_sockaddr_un("$own/ipc.sock")) && listen($listener, 16) or die "listen: $!\n";
print "false\n";
my ($SUBSCRIBE, $TREE, $WINDOW) = (2, 4, 0x80000003);
sub frame { my ($type, $body) = @_; 'i3-ipc' . pack('LL', length $body, $type) . $body }
sub put { my ($to, $text) = @_; while (length $text) { my $n = syswrite($to, $text) // return 0; substr($text, 0, $n, '') } 1 }
my $window = sub { frame($WINDOW, qq({"change":"$_[0]","container":{"id":7}})) };
my $long = '{"change":"new","container":{"id":7,"name":"' . 'x' x 4_000_000 . '"}}';
my $answer = sub { my ($type) = @_;
  return '{"success":true}' if $type == $SUBSCRIBE;
  return '[{"success":true}]' if $type != $TREE;
  return '{"nodes":[' x 400_000 . ']}' x 400_000 if $how eq 'deep';
  return '{"name":"' . 'x' x 4_000_000 . '"}' if $how eq 'long';
  '{"nodes":[]}' };
sub serve { my ($client) = @_;
  my ($input, $told) = ('', 0);
  my $ready = IO::Select->new($client);
  while (1) {
    if (!$told || $ready->can_read(0)) {
      sysread($client, $input, 65536, length $input) or return;
      while (length $input >= 14) { my ($size, $type) = unpack 'x6LL', $input; last if length $input < 14 + $size;
        substr $input, 0, 14 + $size, '';
        if ($type == $SUBSCRIBE) { $told = 1; print "asked\n" }
        my $words = frame($type, $answer->($type));
        if ($how eq 'bytes') { put($client, substr $words, $_, 1) || return for 0 .. length($words) - 1 } else { put($client, $words) || return } } }
    next if !$told;
    my $news = $how eq 'long' ? frame($WINDOW, $long) : $window->('new') . $window->('close');
    put($client, $news) || return } }
$SIG{CHLD} = 'IGNORE';
while (1) { accept(my $client, $listener) or next; my $child = fork // die "fork: $!\n"; if (!$child) { serve($client); exit 0 } close $client }
