// cgroupfs in memory, as Linux has it: control files come with a folder, and go with it; v1 cpusets begin empty; v2 gives a folder
// only the controllers that its parent delegates; a folder with processes or folders in it cannot be removed.
import type { CgroupFs } from '../cgroup-fs.ts';

const v1: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'cpu,cpuacct': { 'cpu.shares': '1024', 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '-1' },
  memory: { 'memory.limit_in_bytes': '-1' },
  cpuset: { 'cpuset.cpus': '', 'cpuset.mems': '' },
  pids: { 'pids.max': 'max' },
};
const v2: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { 'cpu.weight': '100', 'cpu.max': 'max 100000' },
  memory: { 'memory.max': 'max' },
  cpuset: {},
  pids: { 'pids.max': 'max' },
};

export class FakeCgroupFs implements CgroupFs {
  readonly files = new Map<string, string>();
  readonly killed: number[] = [];
  readonly #version: 1 | 2;
  readonly #folders = new Set<string>();
  /** Called before each call with its number; what it throws is the call's failure. */
  before: (call: number) => void = () => {};
  #calls = 0;

  /** `root`: a cgroup that is there, in every hierarchy. */
  constructor(version: 1 | 2, root: string) {
    this.#version = version;
    if (version === 2) this.#addRoot('', 'cpuset cpu memory pids');
    else for (const name of Object.keys(v1)) this.#addRoot(`/${name}`, '');
    for (const name of version === 2 ? [''] : Object.keys(v1).map((each) => `/${each}`)) {
      let at = name;
      for (const part of root.split('/').filter((each) => each !== '')) {
        if (version === 2) this.files.set(`${at}/cgroup.subtree_control`, 'cpuset cpu memory pids');
        at = `${at}/${part}`;
        this.#add(at);
        if (name === '/cpuset') for (const file of ['cpuset.cpus', 'cpuset.mems']) this.files.set(`${at}/${file}`, '0-1');
      }
    }
  }

  get calls(): number {
    return this.#calls;
  }

  /** The folders below `part` of a path, each once. */
  below(part: string): string[] {
    const found = [...this.#folders].filter((each) => each.includes(part)).map((each) => each.slice(each.indexOf(part)));
    return [...new Set(found)].sort();
  }

  /** Control files of a cgroup by name, of all hierarchies. */
  values(cgroup: string): Record<string, string> {
    const own = [...this.files].filter(([path]) => path.slice(0, path.lastIndexOf('/')).endsWith(cgroup));
    return Object.fromEntries(
      own
        .map(([path, text]) => [path.slice(path.lastIndexOf('/') + 1), text] as const)
        .filter(([name]) => !name.startsWith('cgroup.')),
    );
  }

  async read(file: string): Promise<string> {
    this.#call();
    const text = this.files.get(file);
    if (text === undefined) throw failure('ENOENT', file);
    return `${text}\n`;
  }

  async write(file: string, text: string): Promise<void> {
    this.#call();
    const before = this.files.get(file);
    if (before === undefined) throw failure('ENOENT', file);
    if (file.endsWith('/cgroup.subtree_control')) {
      const words = new Set(
        [...before.split(' '), ...text.split(' ').map((word) => word.slice(1))].filter((word) => word !== ''),
      );
      const parent = file.slice(0, -'/cgroup.subtree_control'.length);
      this.files.set(file, [...words].join(' '));
      for (const child of this.#children(parent)) this.#addFiles(child, [...words]);
    } else this.files.set(file, text);
  }

  async mkdir(folder: string): Promise<void> {
    this.#call();
    if (this.#folders.has(folder)) throw failure('EEXIST', folder);
    if (!this.#folders.has(folder.slice(0, folder.lastIndexOf('/')))) throw failure('ENOENT', folder);
    this.#add(folder);
  }

  async rmdir(folder: string): Promise<void> {
    this.#call();
    if (!this.#folders.has(folder)) throw failure('ENOENT', folder);
    if (this.files.get(`${folder}/cgroup.procs`) !== '' || this.#children(folder).length > 0) throw failure('EBUSY', folder);
    this.#folders.delete(folder);
    for (const file of [...this.files.keys()]) if (file.startsWith(`${folder}/`)) this.files.delete(file);
  }

  async folders(folder: string): Promise<string[]> {
    this.#call();
    const at = folder.replace(/\/$/, '');
    if (at !== '' && !this.#folders.has(at)) throw failure('ENOENT', folder);
    return this.#children(at).map((each) => each.slice(at.length + 1));
  }

  kill(pid: number): void {
    this.killed.push(pid);
    for (const [file, text] of this.files)
      if (file.endsWith('/cgroup.procs'))
        this.files.set(
          file,
          text
            .split('\n')
            .filter((line) => line !== `${pid}`)
            .join('\n'),
        );
  }

  #call(): void {
    this.before(this.#calls++);
  }

  #children(folder: string): string[] {
    return [...this.#folders].filter((each) => each.startsWith(`${folder}/`) && !each.slice(folder.length + 1).includes('/'));
  }

  #addRoot(folder: string, controllers: string): void {
    this.#folders.add(folder);
    this.files.set(`${folder}/cgroup.procs`, '1');
    if (folder === '/cpuset') for (const file of ['cpuset.cpus', 'cpuset.mems']) this.files.set(`${folder}/${file}`, '0-1');
    if (this.#version === 1) return;
    this.files.set(`${folder}/cgroup.controllers`, controllers);
    this.files.set(`${folder}/cgroup.subtree_control`, '');
  }

  #add(folder: string): void {
    this.#folders.add(folder);
    this.files.set(`${folder}/cgroup.procs`, '');
    if (this.#version === 1) {
      const own = v1[folder.split('/')[1] ?? ''] ?? {};
      for (const [name, text] of Object.entries(own)) this.files.set(`${folder}/${name}`, text);
      return;
    }
    this.files.set(`${folder}/cgroup.subtree_control`, '');
    const parent = folder.slice(0, folder.lastIndexOf('/'));
    this.#addFiles(folder, (this.files.get(`${parent}/cgroup.subtree_control`) ?? '').split(' '));
  }

  #addFiles(folder: string, controllers: readonly string[]): void {
    this.files.set(`${folder}/cgroup.controllers`, controllers.join(' ').trim());
    for (const name of controllers)
      for (const [file, text] of Object.entries(v2[name] ?? {}))
        if (!this.files.has(`${folder}/${file}`)) this.files.set(`${folder}/${file}`, text);
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
