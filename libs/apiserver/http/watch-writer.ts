// A watch onto its connection.
import type { ServerResponse } from 'node:http';
import type { WatchStream } from '../cache/watch-stream.ts';
import type { HttpResponse } from './exchange.ts';

/** Sends frames until the watch or the connection ends; a connection that is slow to read holds frames in the stream. */
export async function writeWatch(response: HttpResponse, stream: WatchStream): Promise<void> {
  const res = response as ServerResponse;
  res.on('error', () => stream.end());
  res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  res.flushHeaders?.();
  for (let frame = await stream.next(); frame !== undefined; frame = await stream.next()) {
    const more = stream.drain();
    const data = more.length === 0 ? frame.line : Buffer.concat([frame.line, ...more.map((each) => each.line)]);
    if (!res.write(data)) await stream.drained(res);
  }
  res.end();
}
