// Container images as values: layers of files, and what runs in them.

export type LayerEntry =
  | { readonly type: 'folder'; readonly path: string; readonly mode: number }
  | { readonly type: 'link'; readonly path: string; readonly target: string }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  /** Copied from this machine. */
  | {
      readonly type: 'copy';
      readonly path: string;
      readonly mode: number;
      readonly source: string;
      /** Whether the program may listen at ports below 1024 whoever runs it, as far as its container may. */
      readonly mayBindLowPorts?: boolean;
    };

export interface Layer {
  readonly name: string;
  readonly entries: readonly LayerEntry[];
}

/** The part of the OCI image configuration that the lab's images use. */
export interface ImageConfig {
  readonly Env: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
}

export interface ImageSpec {
  /** Full references, as containerd stores them. */
  readonly names: readonly string[];
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

export function text(path: string, content: string, mode = 0o644): LayerEntry {
  return { type: 'file', path, mode, content: Buffer.from(content) };
}

export function folder(path: string, mode = 0o755): LayerEntry {
  return { type: 'folder', path, mode };
}
