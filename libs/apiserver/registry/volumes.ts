// When a volume's phase changed last (pkg/registry/core/persistentvolume/strategy.go).
import type { PersistentVolume } from '@drydock/api/generated/types.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { ResourceHooks } from './hooks.ts';

export function volumeHooks(clock: Clock): ResourceHooks {
  return {
    async beforeCreate(object) {
      const volume = object as PersistentVolume;
      volume.status = { ...volume.status, lastPhaseTransitionTime: formatTime(clock.wallMs()) };
      return undefined;
    },
    async beforeUpdate(object, old, { subresource }) {
      if (subresource !== 'status') return undefined;
      const volume = object as PersistentVolume;
      const before = (old as PersistentVolume).status;
      volume.status ??= {};
      if (volume.status.phase !== before?.phase) {
        const given = volume.status.lastPhaseTransitionTime;
        if (given === undefined || given === before?.lastPhaseTransitionTime)
          volume.status.lastPhaseTransitionTime = formatTime(clock.wallMs());
      } else if (before?.lastPhaseTransitionTime !== undefined) {
        volume.status.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime;
      }
      return undefined;
    },
  };
}
