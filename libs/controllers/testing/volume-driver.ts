// A driver of one node whose volumes are remembered.
import { DriverError, type MadeVolume, type NewVolume, type VolumeDriver } from '../common/volume-driver.ts';

export class MemoryDriver implements VolumeDriver {
  readonly name = 'd.test';
  readonly nodeName: string;
  readonly topology: Readonly<Record<string, string>>;
  /** Handle to bytes. */
  readonly volumes = new Map<string, number>();
  readonly asked: NewVolume[] = [];
  readonly calls: string[] = [];
  totalBytes = 10 * 1024 ** 3;
  /** Called before each call with its name; what it throws is the answer. */
  before: (call: string) => void | Promise<void> = () => {};
  /** As `before`, when the work has been done. */
  after: (call: string) => void = () => {};

  constructor(nodeName = 'n1') {
    this.nodeName = nodeName;
    this.topology = { 'topology.d.test/node': nodeName };
  }

  async create(volume: NewVolume): Promise<MadeVolume> {
    await this.before('create');
    this.calls.push('create');
    this.asked.push(volume);
    const handle = `${this.nodeName}/${volume.name}`;
    if (!this.volumes.has(handle)) this.#take(volume.bytes, 0);
    this.volumes.set(handle, volume.bytes);
    this.after('create');
    return { handle, bytes: volume.bytes, attributes: {}, topologies: [this.topology] };
  }

  async delete(handle: string): Promise<void> {
    await this.before('delete');
    this.calls.push('delete');
    this.volumes.delete(handle);
    this.after('delete');
  }

  async expand(handle: string, bytes: number): Promise<number> {
    await this.before('expand');
    this.calls.push('expand');
    const has = this.volumes.get(handle);
    if (has === undefined) throw new DriverError('NotFound', `volume ${handle} does not exist`);
    this.#take(bytes, has);
    this.volumes.set(handle, Math.max(has, bytes));
    this.after('expand');
    return Math.max(has, bytes);
  }

  async capacity(): Promise<{ available: number; largest: number }> {
    await this.before('capacity');
    return { available: this.#left, largest: this.#left };
  }

  get #left(): number {
    return this.totalBytes - [...this.volumes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #take(bytes: number, has: number): void {
    if (bytes - has > this.#left) throw new DriverError('ResourceExhausted', 'not enough space');
  }
}
