/** `GET /metrics`, for whoever may observe. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Meter } from './meter.ts';
import type { MetricsHost } from './sample.ts';

export const METRICS_PATH = '/metrics';

type Page = { readonly type: string; readonly text: string };

/** Being made. */
const pages = new WeakMap<Meter, Promise<Page>>();

/** One at a time, however many ask for it at once: it looks at every app. */
function pageFor(host: MetricsHost): Promise<Page> {
  const { meter } = host;
  const known = pages.get(meter);
  if (known !== undefined) return known;
  const page = makePage(host).finally(() => pages.delete(meter));
  pages.set(meter, page);
  return page;
}

/** The page and its library are read at the first request: most daemons are never asked. */
async function makePage(host: MetricsHost): Promise<Page> {
  const [{ takeSample }, { CONTENT_TYPE, pageOf }] = await Promise.all([import('./sample.ts'), import('./page.ts')]);
  return { type: CONTENT_TYPE, text: await pageOf(await takeSample(host)) };
}

export async function serveMetrics(
  host: MetricsHost,
  { method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }).end('only GET');
    return;
  }
  const { type, text } = await pageFor(host);
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}
