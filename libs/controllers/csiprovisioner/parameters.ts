// What a class says to the driver, and what it says to who provisions. Pure; follows external-provisioner.
import type { StorageClass } from '@drydock/api/generated/types.ts';

/** The volume cannot be asked for as claim and class are; the text is upstream's. */
export class PreparationError extends Error {
  override readonly name = 'PreparationError';
}

const reserved = 'csi.storage.k8s.io/';
const fsTypeKey = `${reserved}fstype`;
/** A Secret for calls of a kind; each has a name and a namespace. */
const secretKey =
  /^csi\.storage\.k8s\.io\/((provisioner|controller-publish|node-stage|node-publish|controller-expand|node-expand|controller-modify)-)?secret-(name|namespace)$/;

export interface ClassParameters {
  readonly fsType: string;
  /** Those that are the driver's. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Throws PreparationError. */
export function parametersOf({ parameters = {} }: StorageClass): ClassParameters {
  const entries = Object.entries(parameters);
  const types = entries.filter(([key]) => key.toLowerCase() === 'fstype' || key === fsTypeKey);
  if (types.length > 1) throw new PreparationError(`fstype specified in parameters with both "fstype" and "${fsTypeKey}" keys`);
  const [secret] = entries.find(([key]) => secretKey.test(key)) ?? [];
  if (secret !== undefined)
    throw new PreparationError(`parameter ${JSON.stringify(secret)}: no Secrets are handed to this driver`);
  const [unknown] = entries.find(([key]) => key.startsWith(reserved) && key !== fsTypeKey) ?? [];
  if (unknown !== undefined)
    throw new PreparationError(
      `failed to strip CSI Parameters of prefixed keys: found unknown parameter key "${unknown}" with reserved namespace ${reserved}`,
    );
  const own = entries.filter(([key]) => !key.startsWith(reserved));
  return { fsType: types[0]?.[1] ?? '', parameters: Object.fromEntries(own) };
}
