// How one watcher sees the events of a resource: its folder, its selection, its form.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { type CacheEntry, type CacheEvent, withRevision } from '../cache/entry.ts';
import { Frame, type SharedFrames } from '../cache/frame.ts';
import type { Selection } from './selection.ts';

/** Turns an object of the storage version into what the client asked for. `key` tells forms apart that encode differently. */
export interface Rendering {
  readonly key: string;
  render(object: KubeObject): unknown;
  /** For a watcher's first event, where that one differs. */
  readonly first?: Rendering;
}

export class WatchView {
  readonly info: ResourceInfo;
  readonly prefix: string;
  /** The version that the client has: it gets nothing older than this, or of this version. */
  position = 0;
  readonly #selection: Selection;
  readonly #rendering: Rendering;
  readonly #frames: SharedFrames;
  #form: Rendering;

  constructor(info: ResourceInfo, prefix: string, selection: Selection, rendering: Rendering, frames: SharedFrames) {
    this.info = info;
    this.prefix = prefix;
    this.#selection = selection;
    this.#rendering = rendering;
    this.#frames = frames;
    this.#form = rendering.first ?? rendering;
  }

  concerns(event: CacheEvent): boolean {
    if (event.revision <= this.position || !event.entry.key.startsWith(this.prefix)) return false;
    return this.#is(event) || this.#was(event);
  }

  /** What a watcher gets of an event that concerns it: leaving its selection is a deletion, entering it an addition. */
  frame(event: CacheEvent): Frame {
    if (this.#is(event)) return this.#encoded(event, this.#was(event) ? 'MODIFIED' : 'ADDED', event.entry.object);
    const last = event.type === 'DELETED' ? event.entry.object : withRevision(event.previous?.object ?? {}, event.revision);
    return this.#encoded(event, 'DELETED', last);
  }

  /** The state at the beginning as additions, and where asked for, the bookmark that says that this was all. */
  *initial(entries: readonly CacheEntry[], revision: number, withEnd: boolean): Generator<Frame> {
    for (const { object } of entries)
      if (this.#selection.matches(object)) yield new Frame('ADDED', this.#next().render(object));
    if (withEnd) yield this.#bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
  }

  /** A bookmark at `revision`; none where that would take the client back. */
  bookmark(revision: number): Frame | undefined {
    return revision < this.position ? undefined : this.#bookmark(revision, undefined);
  }

  #is(event: CacheEvent): boolean {
    return event.type !== 'DELETED' && this.#selection.matches(event.entry.object);
  }

  #was(event: CacheEvent): boolean {
    return event.previous !== undefined && this.#selection.matches(event.previous.object);
  }

  #next(): Rendering {
    const form = this.#form;
    this.#form = this.#rendering;
    return form;
  }

  /** Encodes an event once per form and kind of transition, for all watchers. */
  #encoded(event: CacheEvent, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): Frame {
    const form = this.#next();
    return this.#frames.of(event, `${type} ${form.key}`, () => new Frame(type, form.render(object)));
  }

  #bookmark(revision: number, annotations: Record<string, string> | undefined): Frame {
    const { group, version, kind } = this.info;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const metadata = { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) };
    const object = { kind, apiVersion, metadata };
    return new Frame('BOOKMARK', this.#rendering.key.includes('table') ? this.#rendering.render(object) : object);
  }
}
