// Upgrades that a kubelet answers itself: the caller's request is repeated there, and what it answers is the answer
// (k8s.io/apimachinery/pkg/util/proxy: UpgradeAwareHandler).
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Upgraded } from '../http/ask-upgrade.ts';
import { withoutToken } from '../http/credentials.ts';
import type { Refused, UpgradeAsk } from '../http/kubelet.ts';
import { withoutHeaders } from '../http/raw-headers.ts';
import { joinSockets } from './joined-sockets.ts';

/** The caller's request as it goes to `host`: without who the caller is. */
export function repeated(req: IncomingMessage, path: string, host: string): UpgradeAsk {
  const headers = ['host', host];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const [name = '', value = ''] = req.rawHeaders.slice(i, i + 2);
    const lower = name.toLowerCase();
    if (lower === 'host' || lower === 'authorization' || lower.startsWith('impersonate-')) continue;
    const told = lower === 'sec-websocket-protocol' ? withoutToken(value) : value;
    if (told !== '') headers.push(name, told);
  }
  return { method: req.method ?? 'GET', path, headers };
}

/** Gives the caller the kubelet's answer, and the connection where there is one. */
export function passOn(socket: Duplex, head: Buffer, answer: Upgraded | Refused): void {
  if (answer.type === 'refused') {
    refuse(socket, answer);
    return;
  }
  if (socket.destroyed) {
    answer.socket.destroy();
    return;
  }
  socket.write(headText(101, answer.headers));
  if (answer.head.length > 0) socket.write(answer.head);
  if (head.length > 0) answer.socket.write(head);
  joinSockets(socket, answer.socket);
}

/** Headers of a refusal that are about the connection on which it came, or about how it was sent there. */
const ofMessage: ReadonlySet<string> = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

/** Ends the caller's connection with the kubelet's refusal. */
export function refuse(socket: Duplex, { code, headers, body }: Refused): void {
  const own = ['connection', 'close', 'content-length', String(body.length)];
  socket.write(headText(code, [...withoutHeaders(headers, ofMessage), ...own]));
  socket.end(body, () => socket.destroy());
}

/** Status line and headers, with the empty line that ends them. */
export function headText(code: number, headers: readonly string[], reason = STATUS_CODES[code] ?? ''): string {
  const lines = [`HTTP/1.1 ${code} ${reason}`];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
