// Between the versions of a kind: autoscaling v1 and v2, events of the core group and of events.k8s.io.

import { convertAutoscaler } from './conversion/autoscaler.ts';
import { convertEvent } from './conversion/event.ts';
import type { KubeObject } from './resource.ts';

/**
 * The object in group version `to` (`v1`, `apps/v1`), whose kind it keeps. The same object when it already is; otherwise a
 * new one that may share parts with it. Kinds whose versions have the same fields only change their apiVersion.
 */
export function convert(object: KubeObject, to: string): KubeObject {
  if (object.apiVersion === to) return object;
  switch (object.kind) {
    case 'HorizontalPodAutoscaler':
      return convertAutoscaler(object, to);
    case 'Event':
      return convertEvent(object, to);
    default:
      return { ...object, apiVersion: to };
  }
}
