// A cluster of simulated machines: its members by name and id, and the wires between them.

import type { EtcdMember } from '@drydock/etcd/member.ts';
import { clusterId, memberId } from '@drydock/etcd/server/members.ts';
import { type ClusterSettings, clientUrl, MemberHost, peerUrl } from './member-host.ts';
import { Network } from './network.ts';
import { PeerNetwork } from './peer-transport.ts';
import type { World } from './world.ts';

export interface ClusterOptions {
  readonly seed: string;
  readonly size: number;
  readonly tuning: ClusterSettings['tuning'];
  readonly watchProgressMs: number;
  readonly quotaBytes: number;
  readonly upkeep: ClusterSettings['upkeep'];
}

export class SimCluster {
  readonly world: World;
  readonly network: Network;
  readonly peers: PeerNetwork;
  readonly hosts: MemberHost[] = [];
  readonly #settings: ClusterSettings;
  /** Sees every member before it starts. */
  onOpen: (host: MemberHost, member: EtcdMember) => void = () => {};

  constructor(world: World, options: ClusterOptions) {
    this.world = world;
    this.network = new Network(world);
    this.peers = new PeerNetwork(this.network);
    const names = Array.from({ length: options.size }, (_, i) => `m${i + 1}`);
    const initial = names.map((name) => ({ id: memberId([peerUrl(name)], 'sim'), name, peerUrls: [peerUrl(name)] }));
    this.#settings = { ...options, clusterId: clusterId(initial.map(({ id }) => id)), initial };
    for (const { id, name } of initial) this.hosts.push(this.#host(id, name, this.#settings, true));
  }

  /** A machine for a member that was added; `initial` are the members it is told of, itself among them. */
  join(id: bigint, name: string, initial: ClusterSettings['initial']): MemberHost {
    const host = this.#host(id, name, { ...this.#settings, initial }, false);
    this.hosts.push(host);
    return host;
  }

  start(): void {
    for (const host of this.hosts) host.start();
  }

  host(name: string): MemberHost {
    const host = this.hosts.find((one) => one.name === name);
    if (host === undefined) throw new RangeError(`no member ${name}`);
    return host;
  }

  /** The member that leads in the newest term, as far as members think. */
  leader(): MemberHost | undefined {
    let best: { host: MemberHost; term: number } | undefined;
    for (const host of this.hosts) {
      const { member } = host;
      if (member === undefined || member.replica.leader() !== host.id) continue;
      const term = member.replica.term();
      if (best === undefined || term > best.term) best = { host, term };
    }
    return best?.host;
  }

  #host(id: bigint, name: string, settings: ClusterSettings, bootstrap: boolean): MemberHost {
    return new MemberHost(id, name, settings, bootstrap, {
      world: this.world,
      peers: this.peers,
      onOpen: (host, member) => this.onOpen(host, member),
      find: (life) => (url) => {
        const target = this.hosts.find(({ name }) => url === clientUrl(name) || url === peerUrl(name));
        const place = target?.name ?? url;
        return { client: life, network: this.network, place, serving: target?.serving };
      },
    });
  }
}
