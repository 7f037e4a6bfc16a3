// How often each gRPC method was called, how calls ended and how many bytes went either way: the families of go-grpc-prometheus, and
// etcd's own of client traffic.

import { type Method, type Service, type StreamCall, type StreamHandler, toStatus } from '../rpc/service.ts';
import { Histogram } from './histogram.ts';

/** Names of gRPC's status numbers as Go spells them. */
const codeNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;
const ok = 0;
const canceled = 1;
const unknown = 2;

interface Counts {
  readonly labels: string;
  started: number;
  received: number;
  sent: number;
  readonly handled: number[];
  readonly seconds: Histogram | undefined;
}

const types: Readonly<Record<string, string>> = {
  '/etcdserverpb.Watch/Watch': 'bidi_stream',
  '/etcdserverpb.Lease/LeaseKeepAlive': 'bidi_stream',
};

/** Prometheus' own, from 5 ms to 10 s. */
const handlingBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class CallCounts {
  readonly #byPath = new Map<string, Counts>();
  readonly #now: (() => number) | undefined;
  receivedBytes = 0;
  sentBytes = 0;

  /** `nowMs`: with it the time that calls take is measured too, `--metrics=extensive`. */
  constructor(nowMs?: () => number) {
    this.#now = nowMs;
  }

  /** The same service, counted. */
  counted(service: Service): Service {
    return { methods: new Map([...service.methods].map(([path, method]) => [path, this.#method(path, method)])) };
  }

  /** `etcd_server_client_requests_total` by kind of call. */
  requests(kind: 'unary' | 'stream'): number {
    let sum = 0;
    for (const { labels, started } of this.#byPath.values()) {
      if (labels.includes('grpc_type="unary"') === (kind === 'unary')) sum += started;
    }
    return sum;
  }

  /** The families `grpc_server_*`, ready for the text format. */
  render(): string[] {
    const all = [...this.#byPath.values()];
    const simple = (name: string, help: string, value: (counts: Counts) => number): string[] => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} counter`,
      ...all.map((counts) => `${name}{${counts.labels}} ${value(counts)}`),
    ];
    const handled = 'grpc_server_handled_total';
    return [
      `# HELP ${handled} Total number of RPCs completed on the server, regardless of success or failure.`,
      `# TYPE ${handled} counter`,
      ...all.flatMap(({ labels, handled: codes }) =>
        codeNames.map((code, i) => `${handled}{grpc_code="${code}",${labels}} ${codes[i] ?? 0}`),
      ),
      ...simple(
        'grpc_server_msg_received_total',
        'Total number of RPC stream messages received on the server.',
        (c) => c.received,
      ),
      ...simple('grpc_server_msg_sent_total', 'Total number of gRPC stream messages sent by the server.', (c) => c.sent),
      ...simple('grpc_server_started_total', 'Total number of RPCs started on the server.', (c) => c.started),
      ...this.#renderSeconds(all),
    ];
  }

  #renderSeconds(all: readonly Counts[]): string[] {
    if (this.#now === undefined) return [];
    const name = 'grpc_server_handling_seconds';
    const help = 'Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.';
    const rows = all.flatMap(({ seconds, labels }) => seconds?.render(name, labels) ?? []);
    return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...rows];
  }

  /** Begins a call; gives what to call with its status. */
  #begin(counts: Counts): (code: number) => void {
    counts.started++;
    const now = this.#now;
    if (now === undefined) return (code) => end(counts, code);
    const begun = now();
    return (code) => {
      counts.seconds?.observe((now() - begun) / 1000);
      end(counts, code);
    };
  }

  #method(path: string, method: Method): Method {
    const [, service = '', name = ''] = path.split('/');
    const type = method.kind === 'unary' ? 'unary' : (types[path] ?? 'server_stream');
    const labels = `grpc_method="${name}",grpc_service="${service}",grpc_type="${type}"`;
    const counts: Counts = {
      labels,
      started: 0,
      received: 0,
      sent: 0,
      handled: [],
      seconds: this.#now && new Histogram(handlingBounds),
    };
    this.#byPath.set(path, counts);
    if (method.kind === 'stream') return { kind: 'stream', open: (call) => this.#open(counts, method.open, call) };
    return {
      kind: 'unary',
      handle: (request, call) => {
        const ended = this.#begin(counts);
        this.#received(counts, request);
        const answer = method.handle(request, call);
        answer.then(
          (bytes) => {
            this.#sent(counts, bytes.length);
            ended(ok);
          },
          (error) => ended(toStatus(error).code),
        );
        return answer;
      },
    };
  }

  #open(counts: Counts, open: (call: StreamCall) => StreamHandler, call: StreamCall): StreamHandler {
    const ended = this.#begin(counts);
    const counting: StreamCall = {
      peer: call.peer,
      metadata: call.metadata,
      commonName: call.commonName,
      get waitingBytes() {
        return call.waitingBytes;
      },
      write: (message) => {
        this.#sent(counts, message.length);
        call.write(message);
      },
      writeParts: (parts) => {
        this.#sent(
          counts,
          parts.reduce((sum, part) => sum + part.length, 0),
        );
        call.writeParts(parts);
      },
      end: (error) => {
        ended(error === undefined ? ok : toStatus(error).code);
        call.end(error);
      },
    };
    let handler: StreamHandler;
    try {
      handler = open(counting);
    } catch (error) {
      ended(toStatus(error).code);
      throw error;
    }
    return {
      message: (raw) => {
        this.#received(counts, raw);
        return handler.message(raw);
      },
      end: () => handler.end?.(),
      drained: () => handler.drained?.(),
      closed: () => {
        ended(canceled);
        handler.closed();
      },
    };
  }

  #received(counts: Counts, bytes: Buffer): void {
    counts.received++;
    this.receivedBytes += bytes.length;
  }

  #sent(counts: Counts, bytes: number): void {
    counts.sent++;
    this.sentBytes += bytes;
  }
}

function end({ handled }: Counts, code: number): void {
  const known = code < codeNames.length ? code : unknown;
  handled[known] = (handled[known] ?? 0) + 1;
}
