// What the pipeline uses of the API library, in one place.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';

export function labelSelection(text: string): (o: KubeObject) => boolean {
  const parts = text.split(',').map((p) => p.split(/==?/));
  return (o) => parts.every(([k = '', v]) => (v === undefined ? o.metadata?.labels?.[k] !== undefined : o.metadata?.labels?.[k] === v));
}
export function fieldSelection(_info: ResourceInfo, text: string): (o: KubeObject) => boolean {
  const parts = text.split(',').map((p) => ({ neg: p.includes('!='), kv: p.split(/!=|==?/) }));
  return (o) =>
    parts.every(({ neg, kv: [k = '', v = ''] }) => {
      let at: unknown = o;
      for (const seg of k.split('.')) at = (at as Record<string, unknown> | undefined)?.[seg];
      return (String(at ?? '') === v) !== neg;
    });
}
export function applyDefaults(_info: ResourceInfo, _object: KubeObject): void {}
export function validateCreate(_info: ResourceInfo, _object: KubeObject): never[] { return []; }
export function validateUpdate(_info: ResourceInfo, _object: KubeObject, _old: KubeObject, _sub = ''): never[] { return []; }
export function prepareForCreate(_info: ResourceInfo, _object: KubeObject): void {}
export function prepareForUpdate(_info: ResourceInfo, _object: KubeObject, _old: KubeObject, _sub = ''): void {}
export function convert(object: KubeObject, _to: string): KubeObject { return object; }
export function cloneJson<T>(v: T): T { return structuredClone(v); }
export function tableOf(_i: ResourceInfo, items: readonly KubeObject[], metadata: object, _f: unknown, _h: boolean): object {
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }], rows: items.map((o) => ({ cells: [o.metadata?.name], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: o.metadata } })) };
}
export function applyPatch(_view: unknown, current: KubeObject, body: { contentType: string; bytes: Buffer }): unknown {
  const merge = (a: unknown, b: unknown): unknown => {
    if (typeof b !== 'object' || b === null || Array.isArray(b)) return b;
    const out: Record<string, unknown> = typeof a === 'object' && a !== null && !Array.isArray(a) ? { ...(a as Record<string, unknown>) } : {};
    for (const [k, v] of Object.entries(b)) { if (v === null) delete out[k]; else out[k] = merge(out[k], v); }
    return out;
  };
  return merge(current, JSON.parse(body.bytes.toString()));
}
export function checkFields(_info: ResourceInfo | undefined, _object: KubeObject, _mode: string | undefined): string[] { return []; }
import { apiError, type ApiError } from '@drydock/api/status.ts';
export function invalidError(_info: ResourceInfo, name: string, _e: unknown): ApiError { return apiError('Invalid', name); }
export function openApiV2(): string { return '{"swagger":"2.0","info":{"title":"Kubernetes","version":"v1.36.2"},"paths":{},"definitions":{}}'; }
export function openApiV3Index(): object { return { paths: {} }; }
export function openApiV3(_gv: string): string | undefined { return undefined; }
