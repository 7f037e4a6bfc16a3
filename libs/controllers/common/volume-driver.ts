// The port to a CSI driver of this node, for those who make, enlarge and delete volumes by it (upstream's sidecars).

/** Codes of gRPC after which the volume may be being made, or made already: nothing may be concluded from them. */
const openCodes = new Set(['Canceled', 'DeadlineExceeded', 'Unavailable', 'Aborted']);

/** What the driver answered instead; the text is that of a gRPC status as Go prints it. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
  /** Of gRPC, as `NotFound`. */
  readonly code: string;

  constructor(code: string, details: string, options?: ErrorOptions) {
    super(`rpc error: code = ${code} desc = ${details}`, options);
    this.code = code;
  }
}

/** Whether the call has failed for good: nothing of it goes on in the background. */
export function isFinal(error: unknown): boolean {
  return error instanceof DriverError && !openCodes.has(error.code);
}

/** How a volume is to be used; messages of csi.v1. */
export interface VolumeUse {
  readonly mount?: { readonly fs_type: string; readonly mount_flags: readonly string[] };
  readonly block?: Record<string, never>;
  readonly access_mode: { readonly mode: string };
}

export interface NewVolume {
  /** Who asks again by that name gets the same volume. */
  readonly name: string;
  readonly bytes: number;
  readonly uses: readonly VolumeUse[];
  readonly parameters: Readonly<Record<string, string>>;
  /** Labels of the nodes that are to reach it. */
  readonly topology: Readonly<Record<string, string>>;
}

export interface MadeVolume {
  readonly handle: string;
  readonly bytes: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Labels of the nodes that reach it; each of several places is enough. */
  readonly topologies: readonly Readonly<Record<string, string>>[];
}

/** Methods reject with DriverError. Asking twice for the same is fine. */
export interface VolumeDriver {
  readonly name: string;
  /** The node that it runs on, and the labels by which the driver knows it. */
  readonly nodeName: string;
  readonly topology: Readonly<Record<string, string>>;
  create(volume: NewVolume): Promise<MadeVolume>;
  delete(handle: string): Promise<void>;
  /** @returns the bytes that it has then. */
  expand(handle: string, bytes: number): Promise<number>;
  /** Bytes that a volume with those parameters can still have here, and how large one may be. */
  capacity(parameters: Readonly<Record<string, string>>): Promise<{ readonly available: number; readonly largest: number }>;
}
