/**
 * What CRIU and the runtime around it say, and what it means. The first that matches a line counts, so the special ones
 * stand before the general ones.
 */
import { FILE_MESSAGES } from './messages/files.ts';
import { IMAGE_MESSAGES } from './messages/images.ts';
import { MEMORY_MESSAGES } from './messages/memory.ts';
import type { Message } from './messages/message.ts';
import { NAMESPACE_MESSAGES } from './messages/namespaces.ts';
import { PROCESS_MESSAGES } from './messages/processes.ts';
import { SOCKET_MESSAGES } from './messages/sockets.ts';

/** The images come first: a full disk can speak through any message. */
export const MESSAGES: readonly Message[] = [
  ...IMAGE_MESSAGES,
  ...SOCKET_MESSAGES,
  ...FILE_MESSAGES,
  ...MEMORY_MESSAGES,
  ...PROCESS_MESSAGES,
  ...NAMESPACE_MESSAGES,
];

/** Errors that a good run has as well. */
export const HARMLESS: readonly RegExp[] = [
  /rlimit: Can't setup RLIMIT_NOFILE for self/,
  /cgroupd: recv req error/,
  /Can't keep kdat cache on non-tempfs/,
  /Can't load \/run\/criu\.kdat|kdat\.tmp/,
  /Unable to get \$HOME directory/,
];

/** Errors that only say that something before them failed: CRIU logs the cause first, then what gave up because of it. */
export const UNWINDING: readonly RegExp[] = [
  /(?:Dumping|Restoring|Pre-dumping) FAILED/,
  /Dump (?:files|core|mappings|fs|ids|eventpoll|signals|\d+ \w+)? ?.*failed with -?\d+$/,
  /(?:Collect (?:mappings|fds)|Pre-dumping files) .*failed/,
  /Can't make \w+ id$/,
  /exited, status=\d+$/,
  /\d+ exited with non-zero code/,
  /Unable to open fd=\d+ id=/,
  /Can't dump page with parasite|Can't dump (?:threads|misc|thread for pid)|Parasite exited with|Can't (?:cure|stop daemon)/,
  /Message reply from daemon is trimmed|Can't retrieve FD from socket/,
  /Namespaces dumping finished with error|Can't catch all tasks|Can't stop all tasks/,
  /Unable to detach from|Unexpected child|Can't send response|Restorer (?:fail|abnormal)/,
  /In-flight connections can be ignored|consider using "GODEBUG/,
  /Killing processes because of failure on restore|Unable to wait|Error flushing image/,
  /criu failed: type (?!NOTIFY)\w+ errno \d+/,
];
