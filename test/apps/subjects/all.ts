/** Every app of the table, in its order. */
import { postgres, sqlite } from './databases.ts';
import { memory, openFiles, pipes, terminal, threads } from './processes.ts';
import { javaServer, nginx, nodeServer, pythonServer, redisServer } from './servers.ts';
import type { Subject } from './subject.ts';

export const ALL: readonly Subject[] = [
  redisServer,
  nginx,
  postgres,
  sqlite,
  nodeServer,
  pythonServer,
  javaServer,
  pipes,
  openFiles,
  threads,
  terminal,
  memory(200),
  memory(1024),
];
