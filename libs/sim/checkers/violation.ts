// What a checker says when a guarantee does not hold.
import type { KeyValue, Operation, Request, Response, TxnOp } from '../history/operation.ts';

export interface Violation {
  /** The guarantee, in one or two words. */
  readonly guarantee: string;
  /** One sentence: what was seen that must not be. */
  readonly text: string;
  /** Who saw what, a line each: enough to understand it without the history. */
  readonly evidence: readonly string[];
}

export function render(violation: Violation): string {
  return [`${violation.guarantee}: ${violation.text}`, ...violation.evidence.map((line) => `    ${line}`)].join('\n');
}

/** `#12 c3 [1.002000 .. 1.004500] put k1 = v5 -> revision 17`. Times in seconds. */
export function renderOperation(op: Operation): string {
  const { outcome } = op;
  const told = outcome.kind === 'ok' ? renderResponse(outcome.response) : `${outcome.kind} (${outcome.error})`;
  return `#${op.id} ${op.client} [${seconds(op.invoke)} .. ${seconds(op.return)}] ${renderRequest(op.request)} -> ${told}`;
}

export function seconds(micros: number): string {
  return (micros / 1e6).toFixed(6);
}

export function renderRequest(request: Request): string {
  switch (request.kind) {
    case 'range':
    case 'put':
    case 'delete':
      return renderOp(request);
    case 'txn': {
      const compare = request.compare.map(({ key, target, is, to }) => `${target}(${key}) ${is} ${to}`).join(' and ');
      const list = (ops: readonly TxnOp[]) => ops.map(renderOp).join(', ') || 'nothing';
      return `txn if ${compare || 'always'} then ${list(request.success)} else ${list(request.failure)}`;
    }
    case 'compact':
      return `compact ${request.revision}`;
    case 'lock':
      return `${request.election ? 'campaign' : 'lock'} ${request.name} lease ${request.lease}`;
    case 'unlock':
      return `unlock ${request.key}`;
    case 'leaseGrant':
      return `lease grant ${request.ttlSeconds} s`;
    default:
      return `${request.kind} ${request.lease}`;
  }
}

function renderOp(op: TxnOp): string {
  const keys = op.kind !== 'put' && op.end !== undefined ? `[${op.key}, ${op.end === '\0' ? 'end' : op.end})` : op.key;
  if (op.kind === 'put') return `put ${keys} = ${op.value}${op.lease && op.lease !== '0' ? ` lease ${op.lease}` : ''}`;
  if (op.kind === 'delete') return `delete ${keys}`;
  return `${op.serializable ? 'stale ' : ''}get ${keys}${op.revision ? ` at ${op.revision}` : ''}`;
}

/** More key-values of one answer than this are not shown. */
const kvsShownMax = 8;

export function renderResponse(response: Response): string {
  switch (response.kind) {
    case 'range':
      return `revision ${response.revision}: ${renderKvs(response.kvs)}, count ${response.count}`;
    case 'put':
      return `revision ${response.revision}${response.previous ? `, was ${renderKv(response.previous)}` : ''}`;
    case 'delete':
      return `revision ${response.revision}: ${response.deleted} deleted${response.previous.length ? `, were ${renderKvs(response.previous)}` : ''}`;
    case 'txn':
      return `revision ${response.revision}: ${response.succeeded ? 'then' : 'else'} (${response.responses.map(renderResponse).join('; ')})`;
    case 'compact':
    case 'unlock':
      return `revision ${response.revision}`;
    case 'lock':
      return `revision ${response.revision}, key ${response.key}`;
    default:
      return `revision ${response.revision}, lease ${response.lease}, ${response.ttlSeconds} s`;
  }
}

function renderKvs(kvs: readonly KeyValue[]): string {
  if (kvs.length === 0) return 'none';
  const rest = kvs.length > kvsShownMax ? ` and ${kvs.length - kvsShownMax} more` : '';
  return kvs.slice(0, kvsShownMax).map(renderKv).join(', ') + rest;
}

export function renderKv(kv: KeyValue): string {
  const lease = kv.lease === '0' ? '' : ` lease ${kv.lease}`;
  return `${kv.key} = ${kv.value} (modified at ${kv.modRevision}, created at ${kv.createRevision}, version ${kv.version}${lease})`;
}
