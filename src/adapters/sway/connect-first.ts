/** Connects a program to the compositor of a screen before it is its user's. */

/**
 * A client's user may not connect to the screen's socket, and must not be able to. So root does, in the process that becomes the
 * client, because a compositor knows its clients by the process that has connected (SO_PEERCRED). libwayland takes the connection
 * from WAYLAND_SOCKET. The socket is handed over as a descriptor: what lies in its directory may be swapped at any moment.
 */
const CONNECT = `
use strict; use Socket; $^F = 99;
my ($fd, $owner, @argv) = @ARGV; my $path = "/proc/self/fd/$fd";
my @found = stat $path; -S _ && ($owner eq '' || $found[4] == $owner) or die "the screen has no socket of its own\n";
my $screen; socket($screen, AF_UNIX, SOCK_STREAM, 0) && connect($screen, pack_sockaddr_un($path)) or die "the screen: $!\n";
open my $spent, '<&=', $fd; close $spent;
$ENV{WAYLAND_SOCKET} = fileno $screen; exec { $argv[0] } @argv or die "$argv[0]: $!\n";`;

/** 0 to 2 are its own, then come the directories. */
const FIRST_HANDED = 3;

/** `owner` of the socket, where that must be somebody in particular's. */
export type Destination = { readonly socket: string; readonly owner: number | undefined };

/** A command line that becomes `argv`; it gets the socket as the descriptor after this many directories. */
export const connectFirst = (
  { owner }: Destination,
  directories: number,
  argv: readonly string[],
): readonly string[] => ['perl', '-e', CONNECT, String(FIRST_HANDED + directories), String(owner ?? ''), ...argv];
