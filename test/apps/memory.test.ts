import { cycles } from '../lib/cycles.ts';
import { memory } from './subjects/processes.ts';

cycles([memory(200), memory(1024)]);
