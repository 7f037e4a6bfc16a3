// What a kubelet says at /metrics/resource, as points (metrics-server: pkg/scraper/client/resource/decode.go). Pure.
import { type Sample, samplesOf } from './exposition.ts';
import { amountLimit, latestMs } from './limits.ts';
import { type Batch, type MetricsPoint, type PodId, podId } from './points.ts';

type Draft = { -readonly [K in keyof MetricsPoint]: MetricsPoint[K] };

const series: Readonly<Record<string, (draft: Draft, sample: Sample, atMs: number) => void>> = {
  cpu_usage_seconds_total: (draft, { value }, atMs) => {
    draft.cpuNanoseconds = amount(value * 1e9);
    draft.atMs = atMs;
  },
  memory_working_set_bytes: (draft, { value }, atMs) => {
    draft.workingSetBytes = amount(value);
    draft.atMs = atMs;
  },
  start_time_seconds: (draft, { value }) => {
    draft.startMs = amount(value * 1_000);
  },
};

/**
 * The points of the node's own and of its pods. What is not whole (a part missing, 0, or beyond what answers can say) is left out; of pods with a container that is
 * not whole all of it, for their sum would be wrong. Throws ExpositionError.
 * @param askedAtMs the time of samples that carry none.
 */
export function decodeBatch(text: string, nodeName: string, askedAtMs: number): Batch {
  const node = emptyDraft();
  const pods = new Map<PodId, Map<string, Draft>>();
  for (const sample of samplesOf(text)) {
    const [, subject, what = ''] = /^(node|container)_(\w+)$/.exec(sample.name) ?? [];
    const take = Object.hasOwn(series, what) ? series[what] : undefined;
    if (take === undefined) continue;
    const draft = subject === 'node' ? node : containerOf(pods, sample);
    const atMs = sample.atMs ?? askedAtMs;
    if (draft !== undefined && atMs > 0 && atMs <= latestMs) take(draft, sample, atMs);
  }
  return {
    nodes: new Map(isWhole(node) ? [[nodeName, node]] : []),
    pods: new Map([...pods].filter(([, containers]) => [...containers.values()].every(isWhole))),
  };
}

/** Undefined where the labels name no container. */
function containerOf(pods: Map<PodId, Map<string, Draft>>, { labels }: Sample): Draft | undefined {
  const { namespace, pod, container } = labels;
  if (namespace === undefined || pod === undefined || container === undefined) return undefined;
  const id = podId(namespace, pod);
  const containers = pods.get(id) ?? new Map<string, Draft>();
  pods.set(id, containers);
  const draft = containers.get(container) ?? emptyDraft();
  containers.set(container, draft);
  return draft;
}

function emptyDraft(): Draft {
  return { startMs: 0, atMs: 0, cpuNanoseconds: 0, workingSetBytes: 0 };
}

function isWhole({ atMs, cpuNanoseconds, workingSetBytes }: MetricsPoint): boolean {
  return atMs !== 0 && cpuNanoseconds !== 0 && workingSetBytes !== 0;
}

/** 0 where it is none, or more than readers of answers have numbers for. */
function amount(value: number): number {
  return value > 0 && value < amountLimit ? Math.trunc(value) : 0;
}
