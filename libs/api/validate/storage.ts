// Rules of the storage group (pkg/apis/storage/validation).
import type {
  CSIDriver,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  StorageClass,
  StorageTokenRequest,
  TopologySelectorTerm,
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttributesClass,
  VolumeError,
} from '../generated/types.ts';
import { semanticEqual } from '../json.ts';
import { dns1123SubdomainErrors, qualifiedNameErrors } from '../names.ts';
import { tryParseQuantity } from '../quantity.ts';
import { driverNameErrors, oneOf, validateSelector } from './common.ts';
import { rules } from './define.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required, tooLong } from './field-error.ts';
import { validateVolumeSpec } from './persistent-volume.ts';

const parametersMax = 512;
/** Keys and values together, in bytes. */
const parametersBytesMax = 256 * 1024;
const attachmentMetadataBytesMax = 256 * 1024;
const errorMessageBytesMax = 1024;
const nodeIdLengthMax = 256;
const immutable = 'field is immutable';
const int32Max = 2147483647;

export const storageRules = [
  rules<StorageClass>('storage.k8s.io/StorageClass', { create: validateClass, update: validateClassUpdate }),
  rules<VolumeAttributesClass>('storage.k8s.io/VolumeAttributesClass', {
    create: validateAttributesClass,
    update: validateAttributesClassUpdate,
  }),
  rules<CSIDriver>('storage.k8s.io/CSIDriver', { create: validateDriver, update: validateDriverUpdate }),
  rules<CSINode>('storage.k8s.io/CSINode', { create: validateNode, update: validateNodeUpdate }),
  rules<CSIStorageCapacity>('storage.k8s.io/CSIStorageCapacity', { create: validateCapacity, update: validateCapacityUpdate }),
  rules<VolumeAttachment>('storage.k8s.io/VolumeAttachment', {
    create: validateAttachment,
    update: validateAttachmentUpdate,
    subresources: { status: validateAttachmentUpdate },
  }),
];

/** Names of provisioners and drivers as labels have them; upstream looks at them, and shows them, in small letters. */
function provisionerErrors(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)];
  const small = name.toLowerCase();
  return qualifiedNameErrors(small).map((text) => invalid(path, small, text));
}

function parameterErrors(parameters: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > parametersMax) return [tooLong(path, parametersMax)];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.push(invalid(path, key, 'field can not be empty.'));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > parametersBytesMax) errors.push(tooLong(path, parametersBytesMax));
  return errors;
}

function validateClass(storageClass: StorageClass): FieldError[] {
  const { volumeBindingMode: mode } = storageClass;
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  const errors = [
    ...provisionerErrors(storageClass.provisioner, 'provisioner'),
    ...parameterErrors(storageClass.parameters, 'parameters'),
    ...oneOf(storageClass.reclaimPolicy, ['Delete', 'Retain'], 'reclaimPolicy'),
  ];
  if (mode === undefined) errors.push(required('volumeBindingMode'));
  else if (!modes.includes(mode)) errors.push(notSupported('volumeBindingMode', mode, modes));
  return errors.concat(validateTopologies(storageClass.allowedTopologies ?? [], 'allowedTopologies'));
}

function validateTopologies(terms: readonly TopologySelectorTerm[], path: string): FieldError[] {
  // As upstream has it: one that asks for nothing counts as said already.
  const seen: ReadonlyMap<string, ReadonlySet<string>>[] = [new Map()];
  return terms.flatMap((term, index) => {
    const at = `${path}[${index}].matchLabelExpressions`;
    const wanted = new Map<string, Set<string>>();
    const errors = (term.matchLabelExpressions ?? []).flatMap(({ key, values }, i) => {
      const own = validateTopology(key, values, `${at}[${i}]`);
      if (wanted.has(key)) own.push(duplicate(`${at}[${i}].key`, key));
      wanted.set(key, new Set(values));
      return own;
    });
    if (seen.some((each) => isSameTopology(each, wanted))) errors.push(duplicate(at, ''));
    seen.push(wanted);
    return errors;
  });
}

function validateTopology(key: string, values: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (values.length === 0) errors.push(required(`${path}.values`));
  values.forEach((value, index) => {
    if (values.indexOf(value) < index) errors.push(duplicate(`${path}.values[${index}]`, value));
  });
  for (const text of qualifiedNameErrors(key)) errors.push(invalid(`${path}.key`, key, text));
  return errors;
}

function isSameTopology(a: ReadonlyMap<string, ReadonlySet<string>>, b: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([key, values]) => {
    const others = b.get(key);
    return others !== undefined && others.size === values.size && [...values].every((value) => others.has(value));
  });
}

function validateClassUpdate(storageClass: StorageClass, old: StorageClass): FieldError[] {
  const errors = validateClass(storageClass);
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const) {
    if (!semanticEqual(storageClass[field], old[field])) errors.push(invalid(field, storageClass[field], immutable));
  }
  return errors;
}

function validateAttributesClass({ driverName, parameters }: VolumeAttributesClass): FieldError[] {
  const errors = provisionerErrors(driverName, 'driverName');
  if (Object.keys(parameters ?? {}).length === 0)
    errors.push(required('parameters', 'must contain at least one key/value pair'));
  return errors.concat(parameterErrors(parameters, 'parameters'));
}

function validateAttributesClassUpdate(attributes: VolumeAttributesClass, old: VolumeAttributesClass): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['driverName', 'parameters'] as const)
    if (!semanticEqual(attributes[field], old[field])) errors.push(forbidden(field, `updates to ${field} are forbidden.`));
  return errors.concat(validateAttributesClass(attributes));
}

const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType'];
const lifecycleModes = ['Persistent', 'Ephemeral'];
const allocatablePeriodSecondsMin = 10;

function validateDriver({ spec }: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['attachRequired', 'podInfoOnMount', 'storageCapacity'] as const)
    if (spec[field] === undefined) errors.push(required(`spec.${field}`));
  const { fsGroupPolicy: policy, nodeAllocatableUpdatePeriodSeconds: period } = spec;
  if (policy === undefined || !groupPolicies.includes(policy))
    errors.push(notSupported('spec.fsGroupPolicy', policy, groupPolicies));
  errors.push(...validateTokens(spec.tokenRequests ?? [], 'spec.tokenRequests'));
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (!lifecycleModes.includes(mode)) errors.push(notSupported('spec.volumeLifecycleModes', mode, lifecycleModes));
  if (period !== undefined && period < allocatablePeriodSecondsMin) {
    const text = `must be greater than or equal to ${allocatablePeriodSecondsMin} seconds`;
    errors.push(invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, text));
  }
  const inSecrets = spec.serviceAccountTokenInSecrets;
  if (inSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    const text = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    errors.push(invalid('spec.serviceAccountTokenInSecrets', inSecrets, text));
  }
  return errors;
}

const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;

function validateTokens(requests: readonly StorageTokenRequest[], path: string): FieldError[] {
  const seen = new Set<string>();
  return requests.flatMap(({ audience, expirationSeconds: seconds }, index) => {
    const at = `${path}[${index}]`;
    const errors = seen.has(audience) ? [duplicate(`${at}.audience`, audience)] : [];
    seen.add(audience);
    if (seconds === undefined) return errors;
    if (seconds < tokenSecondsMin)
      errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > tokenSecondsMax)
      errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'));
    return errors;
  });
}

function validateDriverUpdate(driver: CSIDriver, old: CSIDriver): FieldError[] {
  const errors = validateDriver(driver);
  // Upstream's name for the field.
  if (driver.spec.attachRequired !== old.spec.attachRequired)
    errors.push(invalid('spec.attachedRequired', driver.spec.attachRequired, immutable));
  if (!semanticEqual(driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes))
    errors.push(invalid('spec.volumeLifecycleModes', driver.spec.volumeLifecycleModes, immutable));
  return errors;
}

function validateNode({ spec }: CSINode): FieldError[] {
  const seen = new Set<string>();
  return (spec.drivers ?? []).flatMap((driver, index) => {
    const at = `spec.drivers[${index}]`;
    const errors = [...driverNameErrors(driver.name, `${at}.name`), ...nodeIdErrors(driver.nodeID, `${at}.nodeID`)];
    if (driver.allocatable?.count !== undefined && driver.allocatable.count < 0)
      errors.push(invalid(`${at}.allocatable.count`, driver.allocatable.count, 'must be greater than or equal to 0'));
    if (seen.has(driver.name)) errors.push(duplicate(`${at}.name`, driver.name));
    seen.add(driver.name);
    const keys = driver.topologyKeys ?? [];
    keys.forEach((key, i) => {
      if (key === '') errors.push(required(at));
      if (keys.indexOf(key) < i) errors.push(duplicate(at, key));
      for (const text of qualifiedNameErrors(key)) errors.push(invalid(at, key, text));
    });
    return errors;
  });
}

function nodeIdErrors(id: string, path: string): FieldError[] {
  if (!id) return [required(path)];
  return id.length > nodeIdLengthMax ? [invalid(path, id, `must be ${nodeIdLengthMax} characters or less`)] : [];
}

/** What a driver says of a node stays, but for how many volumes it takes; a driver may come and go. */
function validateNodeUpdate(node: CSINode, old: CSINode): FieldError[] {
  const errors = validateNode(node);
  for (const { allocatable: _before, ...before } of old.spec.drivers ?? []) {
    const now = (node.spec.drivers ?? []).find(({ name }) => name === before.name);
    if (now === undefined) continue;
    const { allocatable: _now, ...fixed } = now;
    if (!semanticEqual(fixed, before)) errors.push(invalid('spec.drivers', shownDriver(now), immutable));
  }
  return errors;
}

/** As upstream shows its structure. */
function shownDriver({ name, nodeID, topologyKeys = [] }: CSINodeDriver): object {
  return { Name: name, NodeID: nodeID, TopologyKeys: topologyKeys, Allocatable: null };
}

function validateCapacity({ storageClassName, capacity, nodeTopology }: CSIStorageCapacity): FieldError[] {
  const errors = dns1123SubdomainErrors(storageClassName).map((text) => invalid('storageClassName', storageClassName, text));
  if ((tryParseQuantity(capacity ?? '0')?.unscaled ?? 0n) < 0n)
    errors.push(invalid('capacity', capacity, 'must be greater than or equal to 0'));
  return errors.concat(validateSelector(nodeTopology, 'nodeTopology'));
}

function validateCapacityUpdate(capacity: CSIStorageCapacity, old: CSIStorageCapacity): FieldError[] {
  const errors = validateCapacity(capacity);
  for (const field of ['nodeTopology', 'storageClassName'] as const)
    if (!semanticEqual(capacity[field], old[field])) errors.push(invalid(field, capacity[field], immutable));
  return errors;
}

function validateAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const errors = [
    ...driverNameErrors(spec.attacher, 'spec.attacher'),
    ...validateAttachmentSource(spec.source, 'spec.source'),
    ...dns1123SubdomainErrors(spec.nodeName).map((text) => invalid('spec.nodeName', spec.nodeName, text)),
  ];
  let bytes = 0;
  for (const [key, value] of Object.entries(status?.attachmentMetadata ?? {}))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (bytes > attachmentMetadataBytesMax) errors.push(tooLong('status.attachmentMetadata', attachmentMetadataBytesMax));
  return errors.concat(
    validateVolumeError(status?.attachError, 'status.attachError'),
    validateVolumeError(status?.detachError, 'status.detachError'),
  );
}

function validateAttachmentSource(source: VolumeAttachmentSource, path: string): FieldError[] {
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = source;
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (name === undefined && inline === undefined) return [required(path, exactlyOne)];
  if (name !== undefined && inline !== undefined) return [forbidden(path, exactlyOne)];
  if (inline !== undefined) return validateVolumeSpec(inline, `${path}.inlineVolumeSpec`, 'inline');
  const at = `${path}.persistentVolumeName`;
  const errors = name ? [] : [required(at, 'must specify non empty persistentVolumeName')];
  return errors.concat(dns1123SubdomainErrors(name ?? '').map((text) => invalid(at, name, text)));
}

function validateVolumeError(error: VolumeError | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream names another limit than the one that it keeps.
  if (Buffer.byteLength(error?.message ?? '') > errorMessageBytesMax)
    errors.push(tooLong(`${path}.message`, attachmentMetadataBytesMax));
  const code = error?.errorCode;
  if (code !== undefined && (code < 0 || code > int32Max))
    errors.push(invalid(`${path}.errorCode`, code, `must be between 0 and ${int32Max}, inclusive`));
  return errors;
}

function validateAttachmentUpdate(attachment: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  const errors = validateAttachment(attachment);
  if (semanticEqual(attachment.spec, old.spec)) return errors;
  const { attacher, nodeName, source } = attachment.spec;
  const shown = {
    Attacher: attacher,
    Source: {
      PersistentVolumeName: source.persistentVolumeName ?? null,
      InlineVolumeSpec: source.inlineVolumeSpec ?? null,
    },
    NodeName: nodeName,
  };
  return errors.concat(invalid('spec', shown, immutable));
}
