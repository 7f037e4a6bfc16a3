// The sources of manifests that a configuration names. What reads them knows the whole of the API, and is loaded for them only.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { KubeletConfig } from '../config.ts';
import type { StaticSource } from './source.ts';

export async function staticSources({ manifests, nodeName }: KubeletConfig, clock: Clock, log: Log): Promise<StaticSource[]> {
  const sources: StaticSource[] = [];
  if (manifests === undefined) return sources;
  const { path, filePeriodMs, url, urlHeaders: headers, urlPeriodMs } = manifests;
  if (path !== '') {
    const { FileSource } = await import('./file-source.ts');
    sources.push(new FileSource({ path, periodMs: filePeriodMs, nodeName, clock, log }));
  }
  if (url !== '') {
    const { UrlSource } = await import('./url-source.ts');
    sources.push(new UrlSource({ url, headers, periodMs: urlPeriodMs, nodeName, clock, log }));
  }
  return sources;
}
