// Which volumes are files from the API, and how each is kept (pkg/volume/{configmap,secret,downwardapi,projected}): all but
// those of config maps in memory, as what they hold is to reach no disk.
import type { Volume } from '@drydock/api/generated/types.ts';
import type { Payload } from './atomic-writer.ts';
import { configMapFiles, defaultFileMode, downwardFiles, type PayloadContext, projectedFiles, secretFiles } from './payload.ts';

export interface ApiFiles {
  readonly plugin: 'configmap' | 'secret' | 'downward-api' | 'projected';
  readonly inMemory: boolean;
  readonly files: Payload;
}

/** Undefined where the volume is of another kind. Throws VolumeError. */
export function apiFiles(context: PayloadContext, volume: Volume): ApiFiles | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    const { name = '', items, defaultMode = defaultFileMode, optional } = configMap;
    return { plugin: 'configmap', inMemory: false, files: configMapFiles(context, name, items, defaultMode, optional) };
  }
  if (secret !== undefined) {
    const { secretName = '', items, defaultMode = defaultFileMode, optional } = secret;
    return { plugin: 'secret', inMemory: true, files: secretFiles(context, secretName, items, defaultMode, optional) };
  }
  if (downwardAPI !== undefined) {
    const { items = [], defaultMode = defaultFileMode } = downwardAPI;
    return { plugin: 'downward-api', inMemory: true, files: downwardFiles(context, items, defaultMode) };
  }
  if (projected !== undefined) {
    const { sources = [], defaultMode = defaultFileMode } = projected;
    return { plugin: 'projected', inMemory: true, files: projectedFiles(context, sources, defaultMode) };
  }
  return undefined;
}
