// Kinds of volumes that are old or gone, files that lie over each other, claims in parts of bytes.
import type { KeyToPath, ObjectMeta, PersistentVolumeClaimSpec, PersistentVolumeSpec, Volume } from '../generated/types.ts';
import { storageClassAnnotation } from '../storage/annotations.ts';
import { fractionalWarnings, nodeTermWarnings } from './pod.ts';

/** Volume sources by field: how upstream names the field, and what became of it. */
const sources: readonly (readonly [field: keyof Volume & string, shown: string, text: string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

export const classDeprecation = 'deprecated since v1.8; use "storageClassName" attribute instead';

export function volumeWarnings(volumes: readonly Volume[], path: string): string[] {
  return volumes.flatMap((volume, index) => {
    const at = `${path}[${index}]`;
    const template = volume.ephemeral?.volumeClaimTemplate;
    return [
      ...oldSources(volume as unknown as Sources, at),
      ...claimWarnings(template?.spec, `${at}.ephemeral.volumeClaimTemplate.spec.resources.requests`),
      ...overlaps(volume),
    ];
  });
}

type Sources = Readonly<Record<string, unknown>>;

function oldSources(volume: Sources, at: string): string[] {
  return sources.flatMap(([field, shown, text]) => (volume[field] === undefined ? [] : [`${at}.${shown}: ${text}`]));
}

export function claimWarnings(spec: PersistentVolumeClaimSpec | undefined, path: string): string[] {
  return fractionalWarnings(spec?.resources?.requests, ['storage'], path);
}

export function persistentVolumeWarnings(metadata: ObjectMeta | undefined, spec: PersistentVolumeSpec | undefined): string[] {
  const warnings: string[] = [];
  if (metadata?.annotations?.[storageClassAnnotation] !== undefined)
    warnings.push(`metadata.annotations[${storageClassAnnotation}]: ${classDeprecation}`);
  if (spec?.persistentVolumeReclaimPolicy === 'Recycle') {
    const text = 'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
    warnings.push(`spec.persistentVolumeReclaimPolicy: ${text}`);
  }
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return [
    ...warnings,
    ...nodeTermWarnings(terms, 'spec.nodeAffinity.required.nodeSelectorTerms'),
    ...oldSources((spec ?? {}) as Sources, 'spec'),
  ];
}

interface File {
  readonly path: string;
  /** ` (Secret "s")`, or empty where the volume has one source. */
  readonly from: string;
}

function overlaps(volume: Volume): string[] {
  const { name, configMap, secret, downwardAPI, projected } = volume;
  const shown = (path: string, from: string): File => ({ path: path.replace(/\/+$/, ''), from });
  const items = (list: readonly KeyToPath[] | undefined, from = ''): File[] =>
    (list ?? []).map(({ path }) => shown(path, from));
  const paths = (list: readonly { readonly path: string }[] | undefined, from = ''): File[] =>
    (list ?? []).map(({ path }) => shown(path, from));
  const warn = (what: string, files: readonly File[]): string[] =>
    pairs(files).map((text) => `volume "${name}" (${what}): ${text}`);
  if (configMap !== undefined) return warn(`ConfigMap "${configMap.name}"`, items(configMap.items));
  if (secret !== undefined) return warn(`Secret "${secret.secretName}"`, items(secret.items));
  if (downwardAPI !== undefined) return warn('DownwardAPI', paths(downwardAPI.items));
  const files = (projected?.sources ?? []).flatMap((source) => [
    ...items(source.configMap?.items, ` (ConfigMap "${source.configMap?.name}")`),
    ...items(source.secret?.items, ` (Secret "${source.secret?.name}")`),
    ...paths(source.downwardAPI?.items, ' (DownwardAPI)'),
    ...paths(source.serviceAccountToken === undefined ? [] : [source.serviceAccountToken], ' (ServiceAccountToken)'),
  ]);
  return warn('Projected', files);
}

/** Of how many overlaps of one volume a client is told: their texts are longer than all that Warning headers may be. */
const overlapsMax = 1000;

/** A directory, or a file, of a volume. */
interface Place {
  readonly inside: Map<string, Place>;
  /** Indexes of the files here, and of those beneath. */
  readonly here: number[];
  readonly beneath: number[];
}

const place = (): Place => ({ inside: new Map(), here: [], beneath: [] });

/** A file on, above or beneath one that came before it. Costs no more than the paths are long. */
function pairs(files: readonly File[]): string[] {
  const root = place();
  const texts: string[] = [];
  for (const [index, file] of files.entries()) {
    let at = root;
    const passed: Place[] = [];
    const before: number[] = [];
    for (const name of file.path.split('/')) {
      const next = at.inside.get(name) ?? place();
      at.inside.set(name, next);
      if (at !== root) passed.push(at);
      at = next;
    }
    for (const { here } of passed) append(before, here);
    append(before, at.here);
    append(before, at.beneath);
    for (const other of before.sort((a, b) => a - b)) {
      const { path, from } = files[other] as File;
      if (texts.push(`overlapping paths: "${file.path}"${file.from} with "${path}"${from}`) === overlapsMax) return texts;
    }
    for (const { beneath } of passed) beneath.push(index);
    at.here.push(index);
  }
  return texts;
}

function append(to: number[], more: readonly number[]): void {
  for (const each of more) {
    if (to.length === overlapsMax) return;
    to.push(each);
  }
}
