# The process that the self-test dumps and restores. It has what made CRIUs fail: a TCP listener, a socket pair, and a
# value in memory only, which whoever connects gets by way of the pair. No child: a dumped child's number is free again
# only when init has reaped it, and some take seconds.
# In Perl, which every Debian has: Node 22 and newer open an io_uring, which CRIU cannot dump.
use strict;
use warnings;
use Socket;

my ($report) = @ARGV;

# Whatever became of the set-up that started this, it does not stay: SIGKILL leaves nobody to end it.
alarm 60;

socketpair(my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
bind($server, sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($server, 5) or die "listen: $!";
my ($port) = sockaddr_in(getsockname $server);
my $token = join '', map { chr(97 + int rand 26) } 1 .. 32;

open(my $out, '>', "$report.new") or die "$report.new: $!";
print {$out} qq({"port":$port,"token":"$token"}\n);
close $out;
rename("$report.new", $report) or die "$report: $!";

while (accept(my $peer, $server)) {
    syswrite($near, $token);
    sysread($far, my $answer, 64);
    syswrite($peer, $answer);
    close $peer;
}
