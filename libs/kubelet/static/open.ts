// The sources of manifests that a configuration names.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { KubeletConfig } from '../config.ts';
import { FileSource } from './file-source.ts';
import type { StaticSource } from './source.ts';
import { UrlSource } from './url-source.ts';

export function staticSources({ manifests, nodeName }: KubeletConfig, clock: Clock, log: Log): StaticSource[] {
  const sources: StaticSource[] = [];
  if (manifests === undefined) return sources;
  const { path, filePeriodMs, url, urlHeaders: headers, urlPeriodMs } = manifests;
  if (path !== '') sources.push(new FileSource({ path, periodMs: filePeriodMs, nodeName, clock, log }));
  if (url !== '') sources.push(new UrlSource({ url, headers, periodMs: urlPeriodMs, nodeName, clock, log }));
  return sources;
}
