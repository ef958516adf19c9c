/** `GET /metrics`, for whoever may observe. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MetricsHost } from './sample.ts';

export const METRICS_PATH = '/metrics';

/** The page and its library are read at the first request: most daemons are never asked. */
export async function serveMetrics(
  host: MetricsHost,
  { method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }).end('only GET');
    return;
  }
  const [{ takeSample }, { CONTENT_TYPE, pageOf }] = await Promise.all([import('./sample.ts'), import('./page.ts')]);
  const text = await pageOf(await takeSample(host));
  response.writeHead(200, {
    'Content-Type': CONTENT_TYPE,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}
