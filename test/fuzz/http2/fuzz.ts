// Sends cases to the client and the peer port of a real member and looks at what becomes of it: it lives, says nothing of an error
// it did not expect, answers in frames that can be read, serves others, and takes no more memory than it may.

import { frameTypes } from '@drydock/etcd/http2/frames.ts';
import { HeaderDecoder } from '@drydock/etcd/http2/hpack.ts';
import { RawClient } from '@drydock/etcd/http2/testing/raw-client.ts';
import { api } from '@drydock/etcd/rpc/api.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { StoreClient } from '../../integration/store/client.ts';
import { Store, until } from '../../integration/store/members.ts';
import { residentBytes } from '../../integration/store/resident.ts';
import { caseKinds, makeCase } from './cases.ts';

/** Cases on one connection, unless the member ends it before. */
const casesPerConnection = 100;
/** Between two looks at the member. */
const connectionsPerLook = 100;
const growthMax = 300 << 20;
const answerMs = 30_000;

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: string;
  readonly told?: (line: string) => void;
}

export interface FuzzReport {
  readonly cases: number;
  readonly connections: number;
  /** How connections ended: `open` where the member had nothing against them. */
  readonly endings: ReadonlyMap<string, number>;
  readonly growthBytes: number;
  readonly finding: string | undefined;
}

/** Runs whole connections until `cases` were sent. A connection's seed is `SEED.NUMBER`: the same bytes each time. */
export async function fuzzHttp2({ cases, seed, told }: FuzzOptions): Promise<FuzzReport> {
  const store = await Store.start({
    size: 1,
    diskFaults: false,
    flags: ['--auto-compaction-retention=1000', '--auto-compaction-mode=revision'],
  });
  const client = new StoreClient(store);
  const endings = new Map<string, number>();
  let [sent, connections, growthBytes] = [0, 0, 0];
  let finding: string | undefined;
  try {
    await until('the member serves', () => client.put('before', 'x'));
    const before = residentBytes(store.pid(0));
    while (sent < cases && finding === undefined) {
      const number = connections++;
      const url = new URL(number % 4 === 3 ? store.peerUrl(0) : store.endpoint(0));
      const one = await oneConnection(
        Number(url.port),
        new SeededRandom(`${seed}.${number}`),
        Math.min(casesPerConnection, cases - sent),
      );
      sent += one.sent;
      endings.set(one.ending, (endings.get(one.ending) ?? 0) + 1);
      if (one.finding !== undefined)
        finding = `connection ${seed}.${number}: ${one.finding}; the log: ${store.log(0).slice(-1500)}`;
      if (finding === undefined && (number % connectionsPerLook === 0 || sent >= cases)) {
        growthBytes = Math.max(growthBytes, residentBytes(store.pid(0)) - before);
        finding = await look(store, client, growthBytes);
        if (finding !== undefined) finding = `after connection ${seed}.${number}: ${finding}`;
        if (number % (connectionsPerLook * 10) === 0) told?.(`${sent} cases, ${(growthBytes / 2 ** 20).toFixed(0)} MiB more`);
      }
    }
  } finally {
    client.close();
    await store.stop();
  }
  return { cases: sent, connections, endings, growthBytes, finding };
}

interface One {
  readonly sent: number;
  readonly ending: string;
  readonly finding: string | undefined;
}

async function oneConnection(port: number, seeded: SeededRandom, most: number): Promise<One> {
  const random = seeded.stream('cases');
  let client: RawClient;
  try {
    client = await RawClient.connect(port);
  } catch (error) {
    return { sent: 0, ending: 'none', finding: `no connection: ${String(error)}` };
  }
  let sent = 0;
  // Hundreds of bytes at a time, so that a connection that is ended soon costs few cases that nobody looked at.
  for (; sent < most && !client.isClosed && client.goAway === undefined; sent++) {
    const kind = caseKinds[random.int(caseKinds.length)] ?? 'frame';
    client.send(makeCase(kind, 2 * sent + 1, random));
    if (sent % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setImmediate(resolve));
  const finding = unreadable(client);
  client.close();
  return { sent, ending: client.goAway ?? (client.isClosed ? 'closed' : 'open'), finding };
}

/** What the member said must be HTTP/2 whatever it was told. */
function unreadable(client: RawClient): string | undefined {
  const decoder = new HeaderDecoder();
  try {
    for (const { type, payload } of client.frames) if (type === frameTypes.headers) decoder.decode(payload);
  } catch (error) {
    return `a header block that cannot be read: ${String(error)}`;
  }
  return client.unreadable;
}

async function look(store: Store, client: StoreClient, growthBytes: number): Promise<string | undefined> {
  const wrong = store
    .log(0)
    .split('\n')
    .find((line) => /uncaught|unhandled|"level":"(?:panic|fatal)"|\bat .*\.ts:\d+/i.test(line));
  if (wrong !== undefined) return `the log says: ${wrong}`;
  try {
    await client.call(0, api.range, { key: 'before' }, answerMs);
  } catch (error) {
    return `the member does not answer: ${String(error)}; its log: ${store.log(0).slice(-800)}`;
  }
  if (growthBytes > growthMax) return `${growthBytes} bytes more than at first`;
  return undefined;
}
