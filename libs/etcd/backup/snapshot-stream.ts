// A snapshot file on its way to a client. Where the backend is a file, a thread of its own makes it.
import type { Clock } from '@drydock/foundation/clock.ts';
import { limits } from '../limits.ts';
import type { BackendSnapshot } from '../mvcc/backend.ts';
import type { LogFacts } from './etcd-schema.ts';
import { snapshotMessages } from './snapshot-messages.ts';
import { messagesFromThread } from './snapshot-thread.ts';

const threadSizes = {
  chunkBytes: limits.snapshotChunkBytes,
  blockMessages: limits.snapshotBlockMessages,
  blockCount: limits.snapshotBlocks,
};

/**
 * Messages of the API, several at a time, which stay until the ones after the next are asked for. Ends early where nobody wants
 * them any more (`isOver`). Releases `snapshot` at the end, also an early one.
 */
export async function* streamSnapshot(
  snapshot: BackendSnapshot,
  facts: LogFacts,
  clock: Clock,
  isOver: () => boolean = () => false,
): AsyncGenerator<readonly Buffer[]> {
  const { picture } = snapshot;
  try {
    const blocks = picture === undefined ? inTurns(snapshot, facts, clock) : messagesFromThread(picture, facts, threadSizes);
    for await (const messages of blocks) {
      if (isOver()) return;
      if (messages.length > 0) yield messages;
    }
  } finally {
    snapshot.release();
  }
}

/** Other work gets its turn in between. */
async function* inTurns(snapshot: BackendSnapshot, facts: LogFacts, clock: Clock): AsyncGenerator<readonly Buffer[]> {
  let begun = clock.monotonicMs();
  for (const message of snapshotMessages(snapshot, facts)) {
    if (message !== undefined) yield [message];
    else if (clock.monotonicMs() - begun < limits.snapshotSliceMs) continue;
    else {
      await clock.sleep(0);
      yield [];
    }
    begun = clock.monotonicMs();
  }
}
