// From an endpoint to its engine; only that engine's code is loaded.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { ContainerEngine } from './engine.ts';

export async function openEngine(endpoint: string, clock: Clock): Promise<ContainerEngine> {
  if (endpoint.startsWith('hollow://')) {
    const { HollowEngine } = await import('./hollow-engine.ts');
    return new HollowEngine(clock);
  }
  const { CriEngine } = await import('./cri-engine.ts');
  return new CriEngine(endpoint, () => clock.wallMs());
}
