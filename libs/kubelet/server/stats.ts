// /stats/summary: what pods use (stats.k8s.io Summary).
import { formatTime } from '@drydock/foundation/clock.ts';
import { podKey, uidOf } from '../pod/observation.ts';
import type { PodVolumeStats } from '../volumes/csi/volume-stats.ts';
import type { ServerPorts } from './servers.ts';
import { volumeSummary } from './volume-metrics.ts';

export async function summary({ config, engine, kubelet, clock }: ServerPorts): Promise<object> {
  const [usage, volumes = []] = await Promise.all([engine.usage(), kubelet.volumeStats?.()]);
  const time = formatTime(clock.wallMs());
  return {
    node: { nodeName: config.nodeName, startTime: time },
    pods: kubelet.manager.all().map((pod) => {
      const own = usage.filter(({ podUid }) => podUid === uidOf(pod));
      return {
        podRef: { ...podKey(pod), uid: uidOf(pod) },
        startTime: pod.status?.startTime,
        containers: own.map((each) => ({
          name: each.name,
          cpu: { time, usageCoreNanoSeconds: each.cpuNanoseconds },
          memory: { time, workingSetBytes: each.memoryBytes },
          rootfs: { time, usedBytes: each.writableBytes },
        })),
        ...volumesOf(volumes.filter(({ uid }) => uid === uidOf(pod))),
      };
    }),
  };
}

/** Nothing where nothing is known. */
function volumesOf(volumes: readonly PodVolumeStats[]): object {
  return volumes.length === 0 ? {} : { volume: volumes.map(volumeSummary) };
}
