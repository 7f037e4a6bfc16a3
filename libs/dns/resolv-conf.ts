// The servers that names outside the cluster are forwarded to. Pure.
import { isIP } from 'node:net';
import { forwardServersMax } from './limits.ts';

export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

/** The `nameserver` lines of a resolv.conf, the first few. */
export function parseResolvConf(text: string): DnsServer[] {
  return text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1]?.replace(/%.*$/, '') ?? '')
    .filter((host) => isIP(host) !== 0)
    .slice(0, forwardServersMax)
    .map((host) => ({ host, port: 53 }));
}

/** `1.2.3.4`, `1.2.3.4:5353`, `[::1]:53`. Undefined where it is none of them. */
export function parseServer(text: string): DnsServer | undefined {
  const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? /^([\d.]+)(?::(\d+))?$/.exec(text) ?? /^([0-9a-fA-F:]+)$/.exec(text);
  const host = match?.[1] ?? '';
  return isIP(host) === 0 ? undefined : { host, port: Number(match?.[2] ?? 53) };
}
