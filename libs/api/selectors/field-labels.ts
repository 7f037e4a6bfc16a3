// Which fields of which resources can be selected by, beside metadata.name and metadata.namespace.
import { groupResourceOf, type Resource } from '../resource.ts';

/** Where a label's value is found: the first path with a value, else `zero`. */
export interface FieldSource {
  readonly paths: readonly (readonly (string | number)[])[];
  readonly zero?: string;
}

function at(path: string, zero?: string): FieldSource {
  const parts = path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return zero === undefined ? { paths: [parts] } : { paths: [parts], zero };
}

function same(...paths: string[]): Record<string, FieldSource> {
  return Object.fromEntries(paths.map((path) => [path, at(path)]));
}

const objectFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

const labels: Readonly<Record<string, Readonly<Record<string, FieldSource>>>> = {
  pods: {
    ...same('spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName'),
    ...same('status.phase', 'status.nominatedNodeName'),
    'spec.hostNetwork': at('spec.hostNetwork', 'false'),
    'status.podIP': {
      paths: [
        ['status', 'podIPs', 0, 'ip'],
        ['status', 'podIP'],
      ],
    },
    'status.podIPs': {
      paths: [
        ['status', 'podIPs', 0, 'ip'],
        ['status', 'podIP'],
      ],
    },
  },
  nodes: { 'spec.unschedulable': at('spec.unschedulable', 'false') },
  namespaces: { ...same('status.phase'), name: at('metadata.name') },
  secrets: same('type'),
  services: same('spec.clusterIP', 'spec.type'),
  replicationcontrollers: { 'status.replicas': at('status.replicas', '0') },
  events: {
    ...same(...objectFields.map((field) => `involvedObject.${field}`), 'reason', 'reportingComponent', 'type'),
    source: { paths: [['source', 'component'], ['reportingComponent']] },
  },
  // Stored as those of the core group are.
  'events.events.k8s.io': {
    ...Object.fromEntries(objectFields.map((field) => [`regarding.${field}`, at(`involvedObject.${field}`)])),
    ...same('reason', 'type'),
    reportingController: at('reportingComponent'),
  },
  'jobs.batch': { 'status.successful': at('status.succeeded', '0') },
  'certificatesigningrequests.certificates.k8s.io': same('spec.signerName'),
  'resourceslices.resource.k8s.io': same('spec.nodeName', 'spec.driver'),
};

/** The labels of a resource, or undefined where it has only the two of metadata. */
export function fieldLabelsOf(info: Resource): Readonly<Record<string, FieldSource>> | undefined {
  return labels[groupResourceOf(info)];
}
