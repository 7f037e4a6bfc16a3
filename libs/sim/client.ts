// A client of the store: typed calls to any member over the simulated network.
import type { ApiMethod } from '@drydock/etcd/rpc/api.ts';
import { decode, encode, type MessageOf, type Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { ClientCall, unaryCall } from './calls.ts';
import type { SimCluster } from './cluster.ts';
import type { MemberHost } from './member-host.ts';
import { SimProcess } from './process.ts';

/** How long a client waits for an answer. */
const timeoutUs = 10_000_000;

export class SimClient {
  readonly life: SimProcess;
  readonly cluster: SimCluster;
  /** Of the user it asks as, where there are users. */
  token: string | undefined;
  #calls = 0;

  constructor(cluster: SimCluster, name: string) {
    this.cluster = cluster;
    this.life = new SimProcess(cluster.world, name);
  }

  /** Rejects with CallError. */
  async call<I extends Schema, O extends Schema>(
    host: MemberHost,
    { path, request, response }: ApiMethod<I, O>,
    message: Partial<MessageOf<I>>,
  ): Promise<MessageOf<O>> {
    const { world, network } = this.cluster;
    const number = ++this.#calls;
    world.note(`${this.life.name} #${number} ${path} > ${host.name}`);
    try {
      const metadata = this.token === undefined ? {} : { token: this.token };
      const target = { client: this.life, network, place: host.name, serving: host.serving, path, metadata };
      const answer = await unaryCall(target, encode(request, message), timeoutUs);
      world.note(`${this.life.name} #${number} ${answer.toString('latin1').length} bytes`);
      return decode(response, answer);
    } catch (error) {
      world.note(`${this.life.name} #${number} ${error instanceof Error ? error.message : error}`);
      throw error;
    }
  }

  /** A stream of requests and responses. */
  stream(host: MemberHost, service: string): ClientCall {
    const { network, world } = this.cluster;
    world.note(`${this.life.name} opens ${service} > ${host.name}`);
    const path = `/etcdserverpb.${service}`;
    return new ClientCall({ client: this.life, network, place: host.name, serving: host.serving, path });
  }

  sleep(us: number): Promise<void> {
    return new Promise((resolve) => this.life.after(us, resolve));
  }
}
