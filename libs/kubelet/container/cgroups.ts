// Makes, changes and removes the cgroups that `cgroup-plan.ts` names (cgroupfs driver), on cgroup v1 and v2. Every step can be
// repeated: what a kubelet that was killed left half made is finished, or found again as nobody's.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { CgroupFs } from './cgroup-fs.ts';
import {
  type CgroupValues,
  filesOf,
  type NodeShare,
  podCgroup,
  podValues,
  qosCgroup,
  qosFolders,
  sharedValues,
} from './cgroup-plan.ts';

export interface CgroupPorts {
  readonly fs: CgroupFs;
  /** The cgroup below which `kubepods` is made, with a leading slash; `/` for none. It is there already. */
  readonly root: string;
  readonly node: NodeShare;
  /** enforceNodeAllocatable: all pods together get no more than `node`; yes unless said. */
  readonly enforcePods?: boolean;
  /** Processes of one pod (podPidsLimit); undefined: no limit. */
  readonly podPidsLimit?: number | undefined;
  /** The pods of this node. */
  readonly pods: () => Iterable<Pod>;
}

/** A cgroup that cannot be made, set or removed; what was done stays and is gone on from. */
export class CgroupError extends Error {
  override readonly name = 'CgroupError';
}

/** Without a limit by them a pod is not what it says. Others are used where they are. */
const required = ['cpu', 'memory'] as const;
const delegated = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids'];

interface Hierarchies {
  readonly version: 1 | 2;
  /** Folders below the mount point, one for each of v1, `''` for v2. */
  readonly all: readonly string[];
  readonly of: (controller: string) => string;
}

export class Cgroups {
  readonly #ports: CgroupPorts;
  readonly #root: string;
  #found: Promise<Hierarchies> | undefined;

  constructor(ports: CgroupPorts) {
    this.#ports = ports;
    this.#root = ports.root === '/' ? '' : ports.root;
  }

  /** Makes the pod's cgroup with its limits and gives its path, for the engine. Throws CgroupError. */
  async prepare(pod: Pod): Promise<string> {
    await this.refresh();
    await this.#apply(podCgroup(pod), { ...podValues(pod), pidsMax: this.#ports.podPidsLimit });
    return `${this.#root}${podCgroup(pod)}`;
  }

  /** The groups above the pods are what they should be for the pods there are. Throws CgroupError. */
  async refresh(): Promise<void> {
    const active = [...this.#ports.pods()].filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
    const { node, enforcePods } = this.#ports;
    for (const [path, values] of sharedValues(active, node, enforcePods)) await this.#apply(path, values);
  }

  /** By uid alone: of a pod that is gone nobody can say which class it had. What still runs in it is killed. Throws CgroupError. */
  async remove(uid: string): Promise<void> {
    for (const hierarchy of (await this.#hierarchies()).all)
      for (const folder of qosFolders) await this.#removeTree(`${hierarchy}${this.#root}${qosCgroup(folder)}/pod${uid}`);
  }

  /** The uids of pods that have a cgroup in any hierarchy. */
  async pods(): Promise<string[]> {
    const found = new Set<string>();
    for (const hierarchy of (await this.#hierarchies()).all)
      for (const folder of qosFolders)
        for (const name of await this.#foldersIn(`${hierarchy}${this.#root}${qosCgroup(folder)}`))
          if (name.startsWith('pod')) found.add(name.slice('pod'.length));
    return [...found];
  }

  async #apply(path: string, values: CgroupValues): Promise<void> {
    const { version, all, of } = await this.#hierarchies();
    for (const hierarchy of all) await this.#make(hierarchy, path, version);
    for (const { controller, file, text } of filesOf(values, version)) {
      const whole = `${of(controller)}${this.#root}${path}/${file}`;
      await this.#ports.fs.write(whole, text).catch((error: Error) => {
        throw new CgroupError(`cannot set ${whole} to ${text}: ${error.message}`, { cause: error });
      });
    }
  }

  async #make(hierarchy: string, path: string, version: 1 | 2): Promise<void> {
    const { fs } = this.#ports;
    let parent = `${hierarchy}${this.#root}`;
    for (const part of path.split('/').filter((each) => each !== '')) {
      if (version === 2) await this.#delegate(parent);
      const child = `${parent}/${part}`;
      await fs.mkdir(child).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw new CgroupError(`cannot make ${child}: ${error.message}`, { cause: error });
      });
      if (version === 1) await this.#fillCpuset(parent, child);
      parent = child;
    }
  }

  /** v2: what the cgroups in it can be given. */
  async #delegate(cgroup: string): Promise<void> {
    const { fs } = this.#ports;
    const words = async (file: string) => (await fs.read(`${cgroup}/${file}`)).trim().split(/\s+/);
    const [there, given] = await Promise.all([words('cgroup.controllers'), words('cgroup.subtree_control')]);
    const missing = required.find((each) => !there.includes(each));
    if (missing !== undefined) throw new CgroupError(`${cgroup}: cgroup controller "${missing}" is not available`);
    const wanted = delegated.filter((each) => there.includes(each) && !given.includes(each));
    if (wanted.length === 0) return;
    const text = wanted.map((each) => `+${each}`).join(' ');
    await fs.write(`${cgroup}/cgroup.subtree_control`, text).catch((error: Error) => {
      throw new CgroupError(`${cgroup}: cannot enable ${wanted.join(', ')}: ${error.message}`, { cause: error });
    });
  }

  /** v1: a new cpuset has no processors and no memory, and nothing can be put into it before it has. */
  async #fillCpuset(parent: string, child: string): Promise<void> {
    const { fs } = this.#ports;
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const now = await this.#readIfThere(`${child}/${file}`);
      if (now?.trim() === '') await fs.write(`${child}/${file}`, (await fs.read(`${parent}/${file}`)).trim());
    }
  }

  async #readIfThere(file: string): Promise<string | undefined> {
    return this.#ports.fs.read(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
  }

  async #removeTree(cgroup: string): Promise<void> {
    const { fs } = this.#ports;
    for (const name of await this.#foldersIn(cgroup)) await this.#removeTree(`${cgroup}/${name}`);
    try {
      await fs.rmdir(cgroup);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      const killed = code === 'EBUSY' ? await this.#kill(cgroup) : 0;
      throw new CgroupError(`cannot remove ${cgroup}: ${killed > 0 ? `${killed} processes killed in it` : message}`, {
        cause: error,
      });
    }
  }

  /** Its containers have ended: what is still there has fled from them. Gives how many. */
  async #kill(cgroup: string): Promise<number> {
    const { fs } = this.#ports;
    const pids = (await fs.read(`${cgroup}/cgroup.procs`))
      .split('\n')
      .map(Number)
      // 0: nothing, or a process that this kubelet does not see; to kill(2) it would be the kubelet's own group.
      .filter((pid) => pid > 0);
    for (const pid of pids) fs.kill(pid);
    return pids.length;
  }

  async #foldersIn(cgroup: string): Promise<string[]> {
    return this.#ports.fs.folders(cgroup).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  }

  /** Looked for once; a failure is not kept. */
  #hierarchies(): Promise<Hierarchies> {
    this.#found ??= this.#find().catch((error: unknown) => {
      this.#found = undefined;
      throw error;
    });
    return this.#found;
  }

  async #find(): Promise<Hierarchies> {
    const { fs } = this.#ports;
    const isThere = async (file: string) => (await this.#readIfThere(file)) !== undefined;
    if (await isThere('/cgroup.controllers')) return { version: 2, all: [''], of: () => '' };
    const all: string[] = [];
    for (const name of await fs.folders('/')) if (await isThere(`/${name}/cgroup.procs`)) all.push(`/${name}`);
    const of = (controller: string) => all.find((each) => each.slice(1).split(',').includes(controller)) ?? `/${controller}`;
    for (const controller of required)
      if (!all.includes(of(controller))) throw new CgroupError(`cgroup controller "${controller}" is not available`);
    return { version: 1, all, of };
  }
}

/** How often the groups above the pods are looked at where no pod comes or goes (periodicQOSCgroupUpdateInterval). */
const refreshMs = 60_000;

/** Until the signal aborts. */
export async function keepCgroups(cgroups: Cgroups, ports: { clock: Clock; log: Log }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await cgroups.refresh().catch((err) => ports.log.warn({ err }, 'cgroups of the classes of pods not updated'));
    await ports.clock.sleep(refreshMs, signal).catch(() => {});
  }
}
