// The port to what carries requests.

/** Everything that it works by. */
export interface DataPlaneContent {
  /** The configuration; a change of it takes a reload. */
  readonly config: string;
  /** Backends and canaries; a change of them counts from the next request on. */
  readonly backends: string;
  /** By name: PEM of a chain and its key. */
  readonly certificates: ReadonlyMap<string, { readonly certificatePem: string; readonly keyPem: string }>;
  /** By name: lines of users. */
  readonly passwords: ReadonlyMap<string, string>;
}

export interface DataPlane {
  /** Undefined where the configuration is sound, else what is wrong with it, in the data plane's own words. */
  check(content: DataPlaneContent): Promise<string | undefined>;
  /** Makes it so: begins to serve, takes over what an earlier process has left serving, or reloads. Resolves when new connections are served by it. `generation` is what the configuration answers when asked. */
  apply(content: DataPlaneContent, generation: string): Promise<void>;
  /** Only the backends have changed. */
  applyBackends(text: string): Promise<void>;
  /** What each instance answers at that path of its control socket; instances that do not answer are left out. */
  read(path: string): Promise<readonly string[]>;
  /** Why it does not serve everywhere where it should; undefined where it does. */
  unhealthy(): string | undefined;
  /** Ends it: takes no new connections, finishes what is under way, at most for so long. */
  stop(patienceMs: number): Promise<void>;
}
