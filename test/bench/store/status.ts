// What the bench asks members besides the load.
import { api } from '@drydock/etcd/rpc/api.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { unaryCall } from '../../integration/store/client.ts';
import { until } from '../../integration/store/members.ts';

const deadlineMs = 2000;

async function withClient<T>(endpoint: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(endpoint, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** The endpoints, that of the leader first; waits until there is one. */
export async function leaderFirst(endpoints: readonly string[]): Promise<readonly string[]> {
  let leader: string | undefined;
  await until('a leader', async () => {
    for (const endpoint of endpoints) {
      const status = await withClient(endpoint, (client) =>
        unaryCall(client, api.status, {}, deadlineMs).catch(() => undefined),
      );
      if (status !== undefined && status.leader !== 0n && status.leader === status.header?.member_id) leader = endpoint;
    }
    return leader !== undefined;
  });
  return [leader ?? '', ...endpoints.filter((endpoint) => endpoint !== leader)];
}

/** Whether a linearizable read is answered. */
export function serves(endpoint: string): Promise<boolean> {
  return withClient(endpoint, (client) =>
    unaryCall(client, api.range, { key: 'a' }, deadlineMs).then(
      () => true,
      () => false,
    ),
  );
}
