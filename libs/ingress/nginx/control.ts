// Adapter: requests to the control socket of one nginx.
import { request } from 'node:http';

/** Longer than any answer there takes. */
const timeoutMs = 5_000;
const answerBytesMax = 64 * 1024 * 1024;

/** The body of a 200; rejects with everything else. A new connection each time: an old one could belong to a worker that is leaving. */
export function askControl(socketPath: string, path: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath, path, method: body === undefined ? 'GET' : 'POST', agent: false, timeout: timeoutMs },
      (answer) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > answerBytesMax) outgoing.destroy(new Error('an answer that is too long'));
          else parts.push(part);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          if (answer.statusCode === 200) resolve(text);
          else reject(new Error(`${path}: ${answer.statusCode} ${text.trim()}`));
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${path}: no answer`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
