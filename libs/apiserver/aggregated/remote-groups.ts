// What servers behind this one add to discovery (kube-aggregator: apisHandler, discoveryManager). Pure.
import type { APIService } from '@drydock/api/generated/types.ts';
import type { Rows } from './rows.ts';

export interface RemoteVersion {
  readonly version: string;
  /** Undefined: its server does not answer, what it has is not known. */
  readonly rows: Rows | undefined;
}

export interface RemoteGroup {
  readonly name: string;
  readonly priority: number;
  /** Preferred first. */
  readonly versions: readonly RemoteVersion[];
}

/** By group, versions by their priority; all that are registered, whether their servers answer or not. */
export function remoteGroups(apiServices: readonly APIService[], rowsOf: (name: string) => Rows | undefined): RemoteGroup[] {
  const byGroup = Map.groupBy(apiServices, ({ spec }) => spec?.group ?? '');
  return [...byGroup].map(([name, members]) => {
    const sorted = members.toSorted(
      (a, b) =>
        (b.spec?.versionPriority ?? 0) - (a.spec?.versionPriority ?? 0) ||
        compareVersions(b.spec?.version ?? '', a.spec?.version ?? ''),
    );
    return {
      name,
      priority: Math.max(...members.map(({ spec }) => spec?.groupPriorityMinimum ?? 0)),
      versions: sorted.map(({ metadata, spec }) => ({ version: spec?.version ?? '', rows: rowsOf(metadata?.name ?? '') })),
    };
  });
}

/** The OpenAPI documents of those that have one: by the name that the index gives them. */
export function remoteOpenApi(
  apiServices: readonly APIService[],
  urlOf: (name: string) => string | undefined,
): Record<string, string> {
  const found = apiServices.map(
    ({ metadata, spec }) => [`apis/${spec?.group}/${spec?.version}`, urlOf(metadata?.name ?? '')] as const,
  );
  return Object.fromEntries(found.flatMap(([name, url]) => (url === undefined ? [] : [[name, url]])));
}

const form = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Kubernetes' order of versions (k8s.io/apimachinery/pkg/version: CompareKubeAwareVersionStrings): positive where `a` is the newer. */
function compareVersions(a: string, b: string): number {
  const rank = (text: string): number[] => {
    const [, major = '', kind = '', minor = '0'] = form.exec(text) ?? [];
    if (major === '') return [-1];
    return [['alpha', 'beta', ''].indexOf(kind), Number(major), Number(minor)];
  };
  const [left, right] = [rank(a), rank(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? 1 : a > b ? -1 : 0;
}
