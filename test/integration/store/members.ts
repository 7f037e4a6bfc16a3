// Members of a store as processes of their own, ours or the original's, each with its own folder and ports of 127.0.0.1.

import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '@drydock/etcd/testing/free-ports.ts';
import { type ChildProcess, execFileSync, spawn } from '@drydock/foundation/child-process.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { clientCertificate, forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import { Network } from './cut.ts';
import { reapFolder, reapProcess } from './reaper.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const launcher = join(repository, 'drydock');
const host = '127.0.0.1';
/** How long a condition may take to come true before a test fails. */
const waitMaxMs = 30_000;
const waitStepMs = 50;

/** One of the original's programs; undefined where DRYDOCK_UPSTREAM, the folder with its `unpack`, is not set. */
export function upstreamProgram(name: string): string | undefined {
  const { DRYDOCK_UPSTREAM: upstream } = process.env;
  if (upstream === undefined || !existsSync(join(upstream, 'unpack'))) return undefined;
  return join(execFileSync(join(upstream, 'unpack'), { encoding: 'utf8' }).trim(), name);
}

/** Waits for a level, not for a time. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, maxMs = waitMaxMs): Promise<void> {
  const end = performance.now() + maxMs;
  for (;;) {
    if (await holds()) return;
    if (performance.now() > end) throw new Error(`waited ${maxMs} ms: ${what}`);
    await sleep(waitStepMs);
  }
}

export interface StoreOptions {
  readonly size: number;
  /** Certificates on the client and the peer ports, clients by certificate only: as the lab runs it. */
  readonly tls?: boolean;
  /** Of all URLs, where no certificates are given. */
  readonly scheme?: 'http' | 'https';
  /** The program and its first arguments. */
  readonly program?: readonly string[];
  readonly flags?: readonly string[];
  /** Whether disks can be given faults, which costs a little with every write. True unless it is said otherwise. */
  readonly diskFaults?: boolean;
  /** Peers reach each other through `Store.network`, which can be cut. */
  readonly cuttable?: boolean;
  /** Members that are described but not started. */
  readonly absent?: readonly number[];
  /** Where member 0 has its data; a folder of the store's own elsewhere. */
  readonly firstDataDir?: string;
  /** Called before the members start, to put data into their folders. */
  readonly prepare?: (members: readonly PlannedMember[]) => void;
}

/** What a restore needs to know of a member that will start. */
export interface PlannedMember {
  readonly name: string;
  readonly dataDir: string;
  readonly peerUrl: string;
  readonly initialCluster: string;
}

export const ourProgram = [launcher, 'run', 'etcd'] as const;

interface Member {
  readonly name: string;
  readonly client: number;
  /** Where it listens for peers, and where they are told to find it. */
  peer: number;
  advertised: number;
  readonly dataDir: string;
  readonly logFile: string;
  process: ChildProcess | undefined;
}

export class Store {
  readonly folder = mkdtempSync(join(tmpdir(), 'drydock-store-'));
  readonly members: Member[] = [];
  readonly #options: StoreOptions;
  /** What members are started with from now on: the program and its first arguments. */
  program: readonly string[];
  /** Ways between the members of a store that is `cuttable`. */
  readonly network = new Network(() => [...this.members.keys()].map((i) => this.pid(i)));

  private constructor(options: StoreOptions) {
    this.#options = options;
    this.program = options.program ?? ourProgram;
  }

  /** Starts all members and waits until each has a leader. `made` gets the store before that, to stop it where it is not waited for. */
  static async start(options: StoreOptions, made: (store: Store) => void = () => {}): Promise<Store> {
    const store = new Store(options);
    reapFolder(store.folder);
    made(store);
    try {
      await store.#place(options.size);
      if (options.tls === true) await makeCertificates(store.folder);
      options.prepare?.(store.planned);
      for (const i of store.members.keys()) if (options.absent?.includes(i) !== true) store.startMember(i);
      await store.ready();
      return store;
    } catch (error) {
      await store.stop();
      throw error;
    }
  }

  /** A place for one more member, which the cluster must be told of before it starts with `joinFlags`; gives its index. */
  async place(): Promise<number> {
    await this.#place(1);
    return this.members.length - 1;
  }

  /** Gives a member another peer port and so another URL, which the cluster must be told. */
  async move(index: number): Promise<void> {
    const member = this.#member(index);
    const [peer = 0] = await freePorts(1);
    member.peer = peer;
    member.advertised = this.#options.cuttable === true ? await this.network.proxy(index, peer) : peer;
  }

  async #place(count: number): Promise<void> {
    const ports = await freePorts(count * 2);
    for (let at = 0; at < count; at++) {
      const i = this.members.length;
      const name = `m${i + 1}`;
      const { firstDataDir, cuttable } = this.#options;
      const dataDir = i === 0 && firstDataDir !== undefined ? firstDataDir : join(this.folder, name);
      const logFile = join(this.folder, `${name}.log`);
      const [client = 0, peer = 0] = ports.slice(at * 2, at * 2 + 2);
      const advertised = cuttable === true ? await this.network.proxy(i, peer) : peer;
      this.members.push({ name, client, peer, advertised, dataDir, logFile, process: undefined });
    }
  }

  get #scheme(): string {
    return this.#options.tls === true ? 'https' : (this.#options.scheme ?? 'http');
  }

  peerUrl(index: number): string {
    return `${this.#scheme}://${host}:${this.#member(index).advertised}`;
  }

  /** `--initial-cluster` of these members. */
  initialCluster(indexes: Iterable<number> = this.members.keys()): string {
    return [...indexes].map((i) => `${this.#member(i).name}=${this.peerUrl(i)}`).join();
  }

  /** What a member starts with that joins the cluster of the others, itself among `indexes`. */
  joinFlags(indexes: Iterable<number> = this.members.keys()): string[] {
    return [`--initial-cluster=${this.initialCluster(indexes)}`, '--initial-cluster-state=existing'];
  }

  /** For a restore into the folders of members that do not run. */
  get planned(): PlannedMember[] {
    const initialCluster = this.initialCluster();
    return this.members.map((member, i) => ({ ...member, peerUrl: this.peerUrl(i), initialCluster }));
  }

  endpoint(index: number): string {
    return `${this.#scheme}://${host}:${this.#member(index).client}`;
  }

  get endpoints(): string[] {
    return [...this.members.keys()].map((i) => this.endpoint(i));
  }

  /** For etcdctl. */
  get env(): Record<string, string> {
    const { folder } = this;
    const files = {
      ETCDCTL_CACERT: join(folder, 'ca.crt'),
      ETCDCTL_CERT: join(folder, 'client.crt'),
      ETCDCTL_KEY: join(folder, 'client.key'),
    };
    return {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: this.endpoints.join(','),
      ...(this.#options.tls === true ? files : {}),
    };
  }

  startMember(index: number, extra: readonly string[] = []): ChildProcess {
    const member = this.#member(index);
    const { folder } = this;
    const tlsFlags = (prefix: string) => [
      `--${prefix}cert-file=${folder}/server.crt`,
      `--${prefix}key-file=${folder}/server.key`,
      `--${prefix}trusted-ca-file=${folder}/ca.crt`,
      `--${prefix}client-cert-auth`,
    ];
    const [program = launcher, ...first] = this.program;
    const log = openSync(member.logFile, 'a');
    const child = spawn(
      program,
      [
        ...first,
        `--name=${member.name}`,
        `--data-dir=${member.dataDir}`,
        `--listen-client-urls=${this.endpoint(index)}`,
        `--advertise-client-urls=${this.endpoint(index)}`,
        `--listen-peer-urls=${this.#scheme}://${host}:${member.peer}`,
        `--initial-advertise-peer-urls=${this.peerUrl(index)}`,
        `--initial-cluster=${this.initialCluster()}`,
        ...(this.#options.tls === true ? [...tlsFlags(''), ...tlsFlags('peer-')] : []),
        ...(this.#options.flags ?? []),
        ...extra,
      ],
      { stdio: ['ignore', log, log], env: this.#environment(index) },
    );
    closeSync(log);
    reapProcess(child);
    member.process = child;
    return child;
  }

  /** What is wrong with a member's disk from now on (apps/etcd/disk-faults.ts); nothing where `faults` is empty. */
  setDiskFaults(index: number, faults: object): void {
    const file = this.#faultsFile(index);
    writeFileSync(`${file}.new`, JSON.stringify(faults));
    renameSync(`${file}.new`, file);
  }

  #environment(index: number): NodeJS.ProcessEnv {
    const { diskFaults = true } = this.#options;
    return diskFaults ? { DRYDOCK_DISK_FAULTS: this.#faultsFile(index) } : {};
  }

  #faultsFile(index: number): string {
    return join(this.folder, `${this.#member(index).name}.faults.json`);
  }

  /** Signals a member and waits for its end; gives its exit code, null where a signal ended it. */
  async stopMember(index: number, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#member(index).process;
    if (child === undefined) return null;
    child.kill(signal);
    return exitOf(child);
  }

  log(index: number): string {
    return readFileSync(this.#member(index).logFile, 'utf8');
  }

  pid(index: number): number {
    return this.#member(index).process?.pid ?? 0;
  }

  /** Every member that was started, or each of `among`, serves. */
  async ready(among: readonly number[] = [...this.members.keys()]): Promise<void> {
    for (const [i, member] of this.members.entries()) {
      if (member.process === undefined || !among.includes(i)) continue;
      await until(`${member.name} serves; its log: ${existsSync(member.logFile) ? this.log(i).slice(-600) : ''}`, () => {
        if (member.process?.exitCode !== null) throw new Error(`${member.name} ended: ${this.log(i)}`);
        return accepts(member.client);
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.keys().map((i) => this.stopMember(i, 'SIGKILL')));
    await this.network.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #member(index: number): Member {
    const member = this.members[index];
    if (member === undefined) throw new Error(`no member ${index}`);
    return member;
  }
}

export async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function makeCertificates(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const random = new SystemRandom().stream('store-certificates');
  const root = await Authority.create('store-ca', Date.now(), random);
  const authority = await Authority.load(root, random);
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  write('ca.crt', root.certificatePem);
  const requests = {
    server: forBothSides(servingCertificate('store', [host, 'localhost'])),
    client: clientCertificate('store-client'),
  };
  for (const [name, request] of Object.entries(requests)) {
    const pair = await authority.issue(request, Date.now());
    write(`${name}.crt`, pair.certificatePem);
    write(`${name}.key`, pair.keyPem);
  }
}
