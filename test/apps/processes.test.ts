import { cycles } from '../lib/cycles.ts';
import { openFiles, pipes, terminal, threads } from './subjects/processes.ts';

cycles([pipes, openFiles, threads, terminal]);
