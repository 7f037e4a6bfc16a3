// What is to be said of an Ingress before it is written: by a plan that has it.
import type { Ingress } from '@drydock/api/generated/types.ts';
import type { Judgement } from './admission.ts';
import { readAnnotations } from './annotations/read.ts';
import { ingressKey } from './status.ts';
import { type Made, problemsByIngress } from './syncer.ts';

export interface JudgePorts {
  readonly annotationPrefix: string;
  /** The Ingresses that are served already, or would be. */
  readonly ours: () => readonly Ingress[];
  readonly make: (ingresses: readonly Ingress[]) => Made;
  /** What the data plane has against it; undefined where nothing. */
  readonly check: (content: Made['content']) => Promise<string | undefined>;
}

/** No object is younger. */
const endOfTime = '9999-12-31T23:59:59Z';

/** Judges an Ingress that is the controller's. Conflicts are the newcomer's, however old it is. */
export async function judgeIngress(candidate: Ingress, ports: JudgePorts): Promise<Judgement> {
  const read = readAnnotations(candidate.metadata?.annotations ?? {}, ports.annotationPrefix);
  return { refusal: read.malformed[0] ?? (await refusalOf(candidate, ports)), warnings: read.problems };
}

async function refusalOf(candidate: Ingress, ports: JudgePorts): Promise<string | undefined> {
  const { annotations = {}, namespace = '', name = '' } = candidate.metadata ?? {};
  const own = `${ports.annotationPrefix}/`;
  const snippet = Object.keys(annotations).find((key) => key.startsWith(own) && key.endsWith('-snippet'));
  if (snippet !== undefined)
    return `${snippet} annotation cannot be used. Snippet directives are disabled by the Ingress administrator`;
  const key = `${namespace}/${name}`;
  const youngest = { ...candidate, metadata: { ...candidate.metadata, creationTimestamp: endOfTime } };
  const { plan, content } = ports.make([...ports.ours().filter((ingress) => ingressKey(ingress) !== key), youngest]);
  const conflict = problemsByIngress(plan)
    .get(key)
    ?.find(({ reason }) => reason === 'PathConflict');
  return conflict?.message ?? (await ports.check(content));
}
