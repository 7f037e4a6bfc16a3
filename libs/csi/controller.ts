// The Controller service, for the volumes of this node.

import { checkCapabilities, checkParameters, whyUnserved } from './capability.ts';
import { readRange } from './capacity.ts';
import { CsiError } from './csi-error.ts';
import type {
  CreateVolumeRequest,
  ExpandRequest,
  GetCapacityRequest,
  ListVolumesRequest,
  Topology,
  TopologyRequirement,
  ValidateRequest,
  Volume,
} from './messages.ts';
import type { VolumeRecord } from './volume-record.ts';
import { isVolumeId } from './volume-record.ts';
import type { VolumeStore } from './volume-store.ts';

/** As the specification has it. */
const nameBytesMax = 128;
const entriesMax = 500;

export interface ControllerPorts {
  readonly store: VolumeStore;
  /** Where the volumes are. */
  readonly topology: Topology;
}

export class ControllerService {
  readonly #ports: ControllerPorts;

  constructor(ports: ControllerPorts) {
    this.#ports = ports;
  }

  async create(request: CreateVolumeRequest): Promise<{ volume: Volume }> {
    const { name, accessibility_requirements: where } = request;
    if (name === '') throw new CsiError('InvalidArgument', 'name missing in request');
    if (Buffer.byteLength(name) > nameBytesMax)
      throw new CsiError('InvalidArgument', `name is longer than ${nameBytesMax} bytes`);
    checkCapabilities(request.volume_capabilities);
    checkParameters(request.parameters, request.mutable_parameters);
    if (request.volume_content_source)
      throw new CsiError('InvalidArgument', 'volumes are made empty: content sources are not supported');
    this.#checkPlace(where);
    return { volume: this.#shown(await this.#ports.store.create(name, readRange(request.capacity_range))) };
  }

  async delete({ volume_id: id }: { readonly volume_id: string }): Promise<object> {
    if (id === '') throw new CsiError('InvalidArgument', 'volume id missing in request');
    await this.#ports.store.delete(id);
    return {};
  }

  async validate(request: ValidateRequest): Promise<object> {
    const { volume_id: id, volume_capabilities: capabilities = [] } = request;
    if (id === '') throw new CsiError('InvalidArgument', 'volume id missing in request');
    if (capabilities.length === 0) throw new CsiError('InvalidArgument', 'volume capabilities missing in request');
    this.#ports.store.get(id);
    const why = capabilities.map(whyUnserved).find((each) => each !== undefined);
    if (why !== undefined) return { message: why };
    const { volume_context = {}, parameters = {}, mutable_parameters = {} } = request;
    return { confirmed: { volume_context, volume_capabilities: capabilities, parameters, mutable_parameters } };
  }

  async list({ max_entries: max = 0, starting_token: token = '' }: ListVolumesRequest): Promise<object> {
    if (max < 0) throw new CsiError('InvalidArgument', 'max_entries is negative');
    if (token !== '' && !isVolumeId(token))
      throw new CsiError('Aborted', `starting token ${JSON.stringify(token)} is none of this driver's`);
    // A token is the last volume of the page before, which may be gone by now.
    const left = this.#ports.store.list().filter(({ id }) => id > token);
    const page = left.slice(0, max === 0 ? entriesMax : Math.min(max, entriesMax));
    const entries = page.map((record) => ({ volume: this.#shown(record) }));
    return { entries, next_token: left.length > page.length ? (page.at(-1)?.id ?? '') : '' };
  }

  async capacity(request: GetCapacityRequest): Promise<{ available_capacity: string; maximum_volume_size: { value: string } }> {
    const { volume_capabilities: capabilities = [], accessible_topology: where } = request;
    const isServed = capabilities.every((each) => whyUnserved(each) === undefined);
    const isHere = !where || isSame(where, this.#ports.topology);
    const available = isServed && isHere ? await this.#ports.store.availableBytes() : 0;
    return { available_capacity: String(available), maximum_volume_size: { value: String(available) } };
  }

  /** Nothing has to be done on the node: a folder has no size of its own. */
  async expand(request: ExpandRequest): Promise<{ capacity_bytes: string; node_expansion_required: boolean }> {
    const { volume_id: id, capacity_range: range } = request;
    if (id === '') throw new CsiError('InvalidArgument', 'volume id missing in request');
    if (!range) throw new CsiError('InvalidArgument', 'capacity range missing in request');
    if (request.volume_capability) checkCapabilities([request.volume_capability]);
    const { capacityBytes } = await this.#ports.store.expand(id, readRange(range));
    return { capacity_bytes: String(capacityBytes), node_expansion_required: false };
  }

  /** A volume is where it is asked of. */
  #checkPlace(where: TopologyRequirement | null | undefined): void {
    const wanted = [...(where?.requisite ?? []), ...(where?.preferred ?? [])];
    if (wanted.length > 0 && !wanted.some((each) => isSame(each, this.#ports.topology)))
      throw new CsiError('ResourceExhausted', 'no volume of this node is accessible from where it is wanted');
  }

  #shown({ id, capacityBytes }: VolumeRecord): Volume {
    return {
      volume_id: id,
      capacity_bytes: String(capacityBytes),
      volume_context: {},
      accessible_topology: [this.#ports.topology],
    };
  }
}

/** Whether all that the place says of itself is said of this one. */
function isSame({ segments }: Topology, own: Topology): boolean {
  const entries = Object.entries(segments);
  return entries.length > 0 && entries.every(([key, value]) => own.segments[key] === value);
}
