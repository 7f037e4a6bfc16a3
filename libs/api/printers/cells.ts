// What the printers of all kinds share.
import type { Container, LabelSelector, ObjectMeta } from '../generated/types.ts';
import { ageOf } from '../human-duration.ts';
import type { KubeObject } from '../resource.ts';
import { formatLabelSelectorObject } from '../selectors/label.ts';

export type Cell = string | number | boolean | null;

/** The cells of one row, in the order of the resource's columns, wide ones included. */
export type Printer = (object: KubeObject, nowMs: number) => Cell[];

/** An entry of a table of printers; the key decides that the object has type `T`. */
export function printer<T extends KubeObject>(key: string, print: (object: T, nowMs: number) => Cell[]): [string, Printer] {
  return [key, print as Printer];
}

export const none = '<none>';
export const unset = '<unset>';
export const unknown = '<unknown>';

export function nameOf(object: { metadata?: ObjectMeta | undefined }): string {
  return object.metadata?.name ?? '';
}

export function createdAge(object: { metadata?: ObjectMeta | undefined }, nowMs: number): string {
  return ageOf(object.metadata?.creationTimestamp, nowMs);
}

/** `a=b,c=d` by key. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? none : keys.map((key) => `${key}=${labels?.[key] ?? ''}`).join(',');
}

export function selectorText(selector: LabelSelector | undefined): string {
  return formatLabelSelectorObject(selector);
}

export function containerNames(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map((container) => container.name).join(',');
}

export function containerImages(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map((container) => container.image ?? '').join(',');
}

/** The first `max` items, and how many more there are. */
export function firstOf(items: readonly string[], max: number): string {
  const shown = items.slice(0, max).join(',');
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}
