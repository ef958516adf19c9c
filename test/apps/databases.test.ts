import { cycles } from '../lib/cycles.ts';
import { postgres, sqlite } from './subjects/databases.ts';
import { javaServer } from './subjects/servers.ts';

cycles([postgres, sqlite, javaServer]);
