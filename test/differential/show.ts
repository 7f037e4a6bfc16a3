// Operations as a person reads them: only what is set.
import { api } from '@drydock/etcd/rpc/api.ts';
import { LeaseKeepAliveRequest, TxnRequest } from '@drydock/etcd/rpc/messages.ts';
import { decode, type Schema } from '@drydock/etcd/rpc/protobuf.ts';
import type { Operation } from './operation.ts';

export function show(operation: Operation): string {
  switch (operation.kind) {
    case 'unary': {
      const { request } = api[operation.method];
      return `${operation.method} ${text(decode(request as Schema, operation.request))}`;
    }
    case 'keepAlive':
      return `keepAlive ${text(decode(LeaseKeepAliveRequest, operation.request))}`;
    default:
      return text(operation);
  }
}

function text(value: unknown): string {
  return JSON.stringify(plain(value));
}

function plain(value: unknown, name = ''): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return name === 'request_txn' ? plain(decode(TxnRequest, value)) : value.toString('latin1');
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, content]) => !isZero(content));
  return Object.fromEntries(set.map(([key, content]) => [key, plain(content, key)]));
}

function isZero(value: unknown): boolean {
  if (Array.isArray(value) || Buffer.isBuffer(value)) return value.length === 0;
  return [undefined, '', 0, 0n, false].includes(value as never);
}
