// The driver of this process, as those know it who make volumes by it. Everything is one call away: no socket is between them.
import { DriverError, type VolumeDriver } from '@drydock/controllers/common/volume-driver.ts';
import type { ControllerService } from '@drydock/csi/controller.ts';
import { CsiError } from '@drydock/csi/csi-error.ts';

type Identity = Pick<VolumeDriver, 'name' | 'nodeName' | 'topology'>;

export function inProcessDriver(controller: ControllerService, identity: Identity): VolumeDriver {
  return {
    ...identity,
    create: ({ name, bytes, uses, parameters, topology }) =>
      answered(async () => {
        const place = [{ segments: topology }];
        const { volume } = await controller.create({
          name,
          capacity_range: { required_bytes: String(bytes) },
          volume_capabilities: uses,
          parameters,
          accessibility_requirements: { requisite: place, preferred: place },
        });
        return {
          handle: volume.volume_id,
          bytes: Number(volume.capacity_bytes),
          attributes: volume.volume_context,
          topologies: volume.accessible_topology.map(({ segments }) => segments),
        };
      }),
    delete: (handle) =>
      answered(async () => {
        await controller.delete({ volume_id: handle });
      }),
    expand: (handle, bytes) =>
      answered(async () => {
        const range = { required_bytes: String(bytes) };
        const { capacity_bytes: has } = await controller.expand({ volume_id: handle, capacity_range: range });
        return Number(has);
      }),
    capacity: (parameters) =>
      answered(async () => {
        const { available_capacity: available, maximum_volume_size: largest } = await controller.capacity({
          parameters,
          accessible_topology: { segments: identity.topology },
        });
        return { available: Number(available), largest: Number(largest.value) };
      }),
  };
}

/** What fails without a code of its own is Internal, as over a socket. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const code = error instanceof CsiError ? error.code : 'Internal';
    throw new DriverError(code, (error as Error).message, { cause: error });
  }
}
