// RuntimeClass: a pod that names a class gets its overhead and the place where it can run, and says no overhead of its own
// (plugin/pkg/admission/runtimeclass).
import type { Pod, PodSpec, RuntimeClass } from '@drydock/api/generated/types.ts';
import { semanticEqual } from '@drydock/api/json.ts';
import { forbiddenObject, serverError } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { mergeTolerations } from './tolerations.ts';

/** @param find the class as it is now. */
export function runtimeClassAdmission(find: (name: string) => Promise<RuntimeClass | undefined>): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    async mutate(request) {
      const pod = newPod(request);
      if (pod?.spec === undefined) return;
      const runtimeClass = await classOf(request, pod.spec, find);
      const refuse = (why: string) => forbiddenObject(request.info, pod.metadata?.name ?? '', why);
      takeOverhead(pod.spec, runtimeClass, refuse);
      takePlace(pod.spec, runtimeClass, refuse);
    },
    async validate(request) {
      const pod = newPod(request);
      if (pod?.spec === undefined) return;
      const defined = (await classOf(request, pod.spec, find))?.overhead;
      const { overhead } = pod.spec;
      const refuse = (why: string) => forbiddenObject(request.info, pod.metadata?.name ?? '', why);
      if (defined !== undefined && !isSame(defined.podFixed, overhead)) throw refuse(differs);
      if (defined === undefined && overhead !== undefined)
        throw refuse('pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    },
  };
}

const differs = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

type Refuse = (why: string) => Error;
type Quantities = Readonly<Record<string, string>> | undefined;

function newPod({ info, operation, subresource, object }: AdmissionRequest): Pod | undefined {
  const pods = info.group === '' && info.resource === 'pods' && subresource === '';
  return pods && operation === 'CREATE' ? (object as Pod | undefined) : undefined;
}

async function classOf(
  request: AdmissionRequest,
  { runtimeClassName }: PodSpec,
  find: (name: string) => Promise<RuntimeClass | undefined>,
): Promise<RuntimeClass | undefined> {
  if (runtimeClassName === undefined) return undefined;
  if (runtimeClassName === '') throw serverError('resource name may not be empty');
  const found = await find(runtimeClassName);
  if (found !== undefined) return found;
  const why = `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`;
  throw forbiddenObject(request.info, request.object?.metadata?.name ?? '', why);
}

/** The same amounts, however they are written; none is as good as an empty list. */
function isSame(a: Quantities, b: Quantities): boolean {
  return semanticEqual(a ?? {}, b ?? {});
}

function takeOverhead(spec: PodSpec, runtimeClass: RuntimeClass | undefined, refuse: Refuse): void {
  const defined = runtimeClass?.overhead;
  if (defined === undefined) return;
  const given = Object.keys(spec.overhead ?? {}).length > 0;
  if (given && !isSame(spec.overhead, defined.podFixed)) throw refuse(differs);
  if (defined.podFixed === undefined) delete spec.overhead;
  else spec.overhead = { ...defined.podFixed };
}

function takePlace(spec: PodSpec, runtimeClass: RuntimeClass | undefined, refuse: Refuse): void {
  const scheduling = runtimeClass?.scheduling;
  if (scheduling === undefined) return;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      const sides = `runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`;
      throw refuse(`conflict: ${sides}`);
    }
  }
  if (scheduling.nodeSelector !== undefined) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
  const tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? []);
  if (tolerations.length > 0) spec.tolerations = tolerations;
}
