// /stats/summary: what pods use (stats.k8s.io Summary).
import { formatTime } from '@drydock/foundation/clock.ts';
import { podKey, uidOf } from '../pod/observation.ts';
import type { ServerPorts } from './servers.ts';

export async function summary({ config, engine, kubelet, clock }: ServerPorts): Promise<object> {
  const usage = await engine.usage();
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
      };
    }),
  };
}
