# Becomes the program of its arguments, with a descriptor that leads to the service manager: RUNTIME_MANAGER_NOTIFY_FD.
# systemd hears on a unix datagram socket (sd_notify(3)), and Node has none of those; but it can write to one that it is given.
# perl-base is on every Debian, costs some milliseconds at the start, and is gone with the exec, so that the process that
# systemd knows is the daemon itself (NotifyAccess=main).
use strict;
use warnings;
use Socket qw(AF_UNIX SOCK_DGRAM SOCK_NONBLOCK pack_sockaddr_un);

# taken out of the environment: the OCI runtime would hand it on to apps
my $name = delete $ENV{NOTIFY_SOCKET};
# an abstract address
$name =~ s/^@/\0/;
# descriptors up to this one stay open through exec
$^F = 255;
my $socket;
if (socket($socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0) && connect($socket, pack_sockaddr_un($name))) {
  $ENV{RUNTIME_MANAGER_NOTIFY_FD} = fileno $socket;
  exec { $ARGV[0] } @ARGV or die "runtimemanagerd: $ARGV[0] cannot be run: $!\n";
}
die "runtimemanagerd: nobody can be told at NOTIFY_SOCKET ($name): $!\n"
  . "  next: start it without NOTIFY_SOCKET, or mend the socket\n";
