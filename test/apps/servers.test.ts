import { cycles } from '../lib/cycles.ts';
import { nginx, nodeServer, pythonServer, redisServer } from './subjects/servers.ts';

cycles([redisServer, nginx, nodeServer, pythonServer]);
