// Builds the admission plugins that are switched on.
import type { Namespace } from '@drydock/api/generated/types.ts';
import type { AdmissionPlugin } from './admission.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';

export interface PluginSources {
  findNamespace(name: string): Promise<Namespace | undefined>;
}

export function buildPlugins(names: readonly string[], sources: PluginSources): AdmissionPlugin[] {
  return names.flatMap((name) => {
    if (name === 'NamespaceLifecycle') return [namespaceLifecycle(sources.findNamespace)];
    return [];
  });
}
