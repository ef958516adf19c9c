/** The command line. Nothing is loaded before it is needed: a script may call this a thousand times. */
import { VERSION } from '../domain/version.ts';

const words = process.argv.slice(2);
const [first] = words;

if (words.length === 1 && (first === 'version' || first === '--version')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  // a reader that has seen enough (`| head`) is no error
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  process.on('SIGINT', () => process.exit(130));
  const { env } = process;
  const place = {
    root: env['RUNTIME_MANAGER_ROOT'],
    address: env['RUNTIME_MANAGER_ADDRESS'],
    tokenFile: env['RUNTIME_MANAGER_TOKEN_FILE'],
  };
  const environment = {
    TERM: env['TERM'],
    PATH: env['PATH'],
    RUNTIME_MANAGER_TOOLS: env['RUNTIME_MANAGER_TOOLS'],
    THUNDER_ACCESS: env['THUNDER_ACCESS'],
  };
  const start = { words, place, cwd: process.cwd(), environment };
  process.exitCode = await (first === '__complete'
    ? (await import('./complete.ts')).completeWords(start)
    : (await import('./program.ts')).runProgram(start));
}
