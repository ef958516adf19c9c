/** Asks the sample app, as anybody on the machine could: HTTP on the unix socket in its storage. */
import { request } from 'node:http';

export type Counter = { readonly count: number; readonly startedAt: string; readonly answers: number };

/** One connection a question: one that stays open would lead out of the app, and an app cannot be hibernated with that. */
export function askCounter(socketPath: string, timeoutMs: number): Promise<Counter> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/', timeout: timeoutMs, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve(JSON.parse(text) as Counter);
      });
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asked.on('error', reject);
    asked.end();
  });
}
