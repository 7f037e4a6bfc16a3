// Rules of pod volumes.

import type { CSIVolumeSource, HostPathVolumeSource, KeyToPath, NFSVolumeSource, Volume } from '../generated/types.ts';
import { isObject } from '../json.ts';
import { dns1123LabelErrors } from '../names.ts';
import { validateClaimTemplate } from './claim.ts';
import { driverNameErrors, localPath } from './common.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';

const maxFileMode = 0o777;

export function validateVolumes(volumes: readonly Volume[], path: string): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${path}[${index}]`;
    const errors = validateSources(volume, at);
    if (!volume.name) errors.push(required(`${at}.name`));
    else for (const text of dns1123LabelErrors(volume.name)) errors.push(invalid(`${at}.name`, volume.name, text));
    if (names.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
    else if (errors.length === 0) names.add(volume.name);
    return errors;
  });
}

/** Upstream's order of looking at the sources. */
const order = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'secret',
  'nfs',
  'iscsi',
  'persistentVolumeClaim',
  'configMap',
  'downwardAPI',
  'projected',
  'csi',
];

function validateSources(volume: Volume, path: string): FieldError[] {
  const fields = Object.entries(volume)
    .filter(([key, value]) => key !== 'name' && isObject(value))
    .map(([key]) => key)
    .sort((a, b) => rank(a) - rank(b));
  const errors: FieldError[] = [];
  fields.forEach((field, index) => {
    if (index > 0) errors.push(forbidden(`${path}.${field}`, 'may not specify more than 1 volume type'));
    else errors.push(...validateSource(volume, field, `${path}.${field}`));
  });
  return errors;
}

function rank(field: string): number {
  const index = order.indexOf(field);
  return index < 0 ? order.length : index;
}

function validateSource(volume: Volume, field: string, path: string): FieldError[] {
  switch (field) {
    case 'hostPath':
      return hostPathErrors(volume.hostPath ?? { path: '' }, path);
    case 'secret':
      return [
        ...(volume.secret?.secretName ? [] : [required(`${path}.secretName`)]),
        ...validateMode(volume.secret?.defaultMode, `${path}.defaultMode`),
        ...validateItems(volume.secret?.items ?? [], `${path}.items`),
      ];
    case 'configMap':
      return [
        ...(volume.configMap?.name ? [] : [required(`${path}.name`)]),
        ...validateMode(volume.configMap?.defaultMode, `${path}.defaultMode`),
        ...validateItems(volume.configMap?.items ?? [], `${path}.items`),
      ];
    case 'persistentVolumeClaim':
      return volume.persistentVolumeClaim?.claimName ? [] : [required(`${path}.claimName`)];
    case 'nfs':
      return nfsErrors(volume.nfs ?? { path: '', server: '' }, path);
    case 'gitRepo':
      return [
        ...(volume.gitRepo?.repository ? [] : [required(`${path}.repository`)]),
        ...localPath(volume.gitRepo?.directory ?? '', `${path}.directory`),
      ];
    case 'awsElasticBlockStore':
      return volume.awsElasticBlockStore?.volumeID ? [] : [required(`${path}.volumeID`)];
    case 'gcePersistentDisk':
      // Upstream's name for it in errors.
      return volume.gcePersistentDisk?.pdName ? [] : [required(path.replace(/gcePersistentDisk$/, 'persistentDisk.pdName'))];
    case 'csi':
      return csiErrors(volume.csi ?? { driver: '' }, path);
    case 'ephemeral': {
      const template = volume.ephemeral?.volumeClaimTemplate;
      const at = `${path}.volumeClaimTemplate`;
      return template === undefined ? [required(at)] : validateClaimTemplate(template, at);
    }
    case 'projected':
      return validateMode(volume.projected?.defaultMode, `${path}.defaultMode`);
    default:
      return [];
  }
}

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

export function hostPathErrors({ path: where, type }: HostPathVolumeSource, path: string): FieldError[] {
  if (!where) return [required(`${path}.path`)];
  const errors = noDotDot(where, `${path}.path`);
  return type === undefined || hostPathTypes.includes(type)
    ? errors
    : errors.concat(notSupported(`${path}.type`, type, hostPathTypes));
}

export function nfsErrors({ server, path: where = '' }: NFSVolumeSource, path: string): FieldError[] {
  return [
    ...(server ? [] : [required(`${path}.server`)]),
    ...(where ? [] : [required(`${path}.path`)]),
    ...(where.startsWith('/') ? [] : [invalid(`${path}.path`, where, 'must be an absolute path')]),
  ];
}

function csiErrors({ driver, nodePublishSecretRef: secret }: CSIVolumeSource, path: string): FieldError[] {
  const errors = driverNameErrors(driver, `${path}.driver`);
  return secret === undefined || secret.name ? errors : errors.concat(required(`${path}.nodePublishSecretRef.name`));
}

function validateItems(items: readonly KeyToPath[], path: string): FieldError[] {
  return items.flatMap((item, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (!item.key) errors.push(required(`${at}.key`));
    if (!item.path) errors.push(required(`${at}.path`));
    else errors.push(...localPath(item.path, `${at}.path`));
    return errors.concat(validateMode(item.mode, `${at}.mode`));
  });
}

function validateMode(mode: number | undefined, path: string): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= maxFileMode)) return [];
  return [invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

/** A path without `..`. */
export function noDotDot(value: string, path: string): FieldError[] {
  return value.split('/').includes('..') ? [invalid(path, value, "must not contain '..'")] : [];
}
