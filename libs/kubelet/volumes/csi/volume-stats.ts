// How full volumes are, as their drivers say (pkg/kubelet/server/stats, volume_stat_calculator.go). Asked for when somebody wants to
// know, and at most each minute; a driver that takes its time is not waited for.
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { Message } from '../../plugins/socket-client.ts';
import type { CsiDrivers } from './drivers.ts';
import type { CsiPlaces } from './places.ts';
import type { CsiVolume } from './volume.ts';

/** What was said so long ago is asked anew (volumeStatsAggPeriod). */
const freshMs = 60_000;
const patienceMs = 2_000;

/** Of bytes or inodes. */
export interface Usage {
  readonly available: number;
  readonly total: number;
  readonly used: number;
}

/** A volume of a pod that its driver has mounted. */
export interface MountedVolume {
  readonly uid: string;
  /** As the pod calls it. */
  readonly name: string;
  readonly claim: { readonly name: string; readonly namespace: string } | undefined;
  readonly volume: CsiVolume;
}

export interface PodVolumeStats {
  readonly uid: string;
  /** As the pod calls it. */
  readonly volume: string;
  readonly claim: MountedVolume['claim'];
  /** RFC 3339. */
  readonly time: string;
  readonly bytes: Usage | undefined;
  readonly inodes: Usage | undefined;
}

export interface VolumeStatsPorts {
  readonly clock: Clock;
  readonly drivers: Pick<CsiDrivers, 'service'>;
  readonly places: Pick<CsiPlaces, 'targetPath'>;
}

interface Known {
  askedAtMs: number;
  isBusy: boolean;
  /** Undefined where the driver has not said anything yet, or says nothing of volumes. */
  stats: PodVolumeStats | undefined;
}

export class VolumeStats {
  readonly #ports: VolumeStatsPorts;
  /** By pod and its name of the volume. */
  readonly #known = new Map<string, Known>();

  constructor(ports: VolumeStatsPorts) {
    this.#ports = ports;
  }

  /** What is known of these; of others nothing is remembered. */
  async of(mounted: readonly MountedVolume[]): Promise<PodVolumeStats[]> {
    const { clock } = this.#ports;
    const keys = new Set(mounted.map(keyOf));
    for (const key of [...this.#known.keys()]) if (!keys.has(key)) this.#known.delete(key);
    const late = new AbortController();
    const asked = Promise.all(mounted.map((each) => this.#refresh(each)));
    await Promise.race([asked, clock.sleep(patienceMs, late.signal).catch(() => {})]);
    late.abort();
    return mounted.flatMap((each) => this.#known.get(keyOf(each))?.stats ?? []);
  }

  async #refresh(mounted: MountedVolume): Promise<void> {
    const { clock } = this.#ports;
    const key = keyOf(mounted);
    const known = this.#known.get(key) ?? { askedAtMs: Number.NEGATIVE_INFINITY, isBusy: false, stats: undefined };
    this.#known.set(key, known);
    if (known.isBusy || clock.monotonicMs() - known.askedAtMs < freshMs) return;
    known.askedAtMs = clock.monotonicMs();
    known.isBusy = true;
    try {
      known.stats = await this.#ask(mounted);
    } catch {
      // What cannot be known now is not said; it is asked again when the time has come.
      known.stats = undefined;
    } finally {
      known.isBusy = false;
    }
  }

  async #ask({ uid, name, claim, volume }: MountedVolume): Promise<PodVolumeStats | undefined> {
    const { drivers, places, clock } = this.#ports;
    using service = drivers.service(volume.driver);
    if (!(await service.capabilities()).has('GET_VOLUME_STATS')) return undefined;
    const usage = await service.usage(volume.handle, places.targetPath(uid, volume.name));
    const of = (unit: string) => usageOf(usage.find((each) => each.unit === unit));
    return { uid, volume: name, claim, time: formatTime(clock.wallMs()), bytes: of('BYTES'), inodes: of('INODES') };
  }
}

function keyOf({ uid, name }: MountedVolume): string {
  return `${uid}/${name}`;
}

function usageOf(said: Message | undefined): Usage | undefined {
  if (said === undefined) return undefined;
  return { available: Number(said.available), total: Number(said.total), used: Number(said.used) };
}
