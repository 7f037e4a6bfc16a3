// What may happen to the files of a log.
import type { RandomStream } from '@drydock/foundation/random.ts';
import { parseSegmentName, segmentName } from '../segment-name.ts';
import type { History, PlacedFrame } from './history.ts';

type Files = Map<string, Uint8Array>;

export type Damage = (files: Files, history: History, random: RandomStream) => void;

const runMax = 64;

function pick<T>(random: RandomStream, from: readonly T[]): T {
  const found = from[random.int(from.length)];
  if (found === undefined) throw new RangeError('nothing to choose from');
  return found;
}

const anyFile = (files: Files, random: RandomStream): string => pick(random, [...files.keys()]);

/** A place that is mostly among the records, sometimes in the zeros after them. */
function anyPlace(files: Files, file: string, history: History, random: RandomStream): number {
  const size = Math.max(1, files.get(file)?.length ?? 0);
  const end = history.frames.filter((frame) => frame.file === file).at(-1)?.to ?? size;
  return random.int(random.int(8) === 0 ? size : Math.min(size, end));
}

/** Changes a copy of one file. */
function edit(files: Files, file: string, change: (bytes: Uint8Array) => Uint8Array): void {
  const bytes = files.get(file);
  if (bytes !== undefined) files.set(file, change(bytes.slice()));
}

function overwrite(bytes: Uint8Array, at: number, data: Uint8Array): Uint8Array {
  bytes.set(data.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
  return bytes;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)]);
}

/** Two records of one file. */
function twoFrames(files: Files, history: History, random: RandomStream): [PlacedFrame, PlacedFrame] | undefined {
  const file = anyFile(files, random);
  const frames = history.frames.filter((frame) => frame.file === file && frame.to <= (files.get(file)?.length ?? 0));
  return frames.length === 0 ? undefined : [pick(random, frames), pick(random, frames)];
}

/** By name, so that a report can say what was done. */
export const damages: Readonly<Record<string, Damage>> = {
  truncate: (files, history, random) => {
    const file = anyFile(files, random);
    const length = anyPlace(files, file, history, random);
    edit(files, file, (bytes) => bytes.slice(0, length));
  },
  truncateAtRecord: (files, history, random) => {
    const { file, from } = pick(random, history.frames);
    edit(files, file, (bytes) => bytes.slice(0, from));
  },
  flipBit: (files, history, random) => {
    const file = anyFile(files, random);
    const at = anyPlace(files, file, history, random);
    edit(files, file, (bytes) => overwrite(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.int(8)))));
  },
  garbage: (files, history, random) => {
    const file = anyFile(files, random);
    const at = anyPlace(files, file, history, random);
    edit(files, file, (bytes) => overwrite(bytes, at, random.bytes(1 + random.int(runMax))));
  },
  zeroRange: (files, history, random) => {
    const file = anyFile(files, random);
    const at = anyPlace(files, file, history, random);
    edit(files, file, (bytes) => overwrite(bytes, at, new Uint8Array(1 + random.int(runMax * 8))));
  },
  zeroRecord: (files, history, random) => {
    const { file, from, to } = pick(random, history.frames);
    edit(files, file, (bytes) => overwrite(bytes, from, new Uint8Array(to - from)));
  },
  copyBytes: (files, history, random) => {
    const file = anyFile(files, random);
    const [from, to] = [anyPlace(files, file, history, random), anyPlace(files, file, history, random)];
    edit(files, file, (bytes) => overwrite(bytes, to, bytes.slice(from, from + 1 + random.int(runMax))));
  },
  insertBytes: (files, history, random) => {
    const file = anyFile(files, random);
    const at = anyPlace(files, file, history, random);
    edit(files, file, (bytes) => splice(bytes, at, 0, random.bytes(1 + random.int(runMax))));
  },
  removeBytes: (files, history, random) => {
    const file = anyFile(files, random);
    const at = anyPlace(files, file, history, random);
    edit(files, file, (bytes) => splice(bytes, at, 1 + random.int(runMax), new Uint8Array(0)));
  },
  duplicateRecord: (files, history, random) => {
    const [one, other] = twoFrames(files, history, random) ?? [];
    if (one === undefined || other === undefined) return;
    edit(files, one.file, (bytes) => splice(bytes, other.from, 0, bytes.slice(one.from, one.to)));
  },
  removeRecord: (files, history, random) => {
    const [one] = twoFrames(files, history, random) ?? [];
    if (one !== undefined) edit(files, one.file, (bytes) => splice(bytes, one.from, one.to - one.from, new Uint8Array(0)));
  },
  reorderRecords: (files, history, random) => {
    const [one, other] = twoFrames(files, history, random) ?? [];
    if (one === undefined || other === undefined || one.from >= other.from) return;
    edit(files, one.file, (bytes) => {
      const first = bytes.slice(one.from, one.to);
      const moved = splice(bytes, other.from, other.to - other.from, first);
      return splice(moved, one.from, one.to - one.from, bytes.slice(other.from, other.to));
    });
  },
  swapSegments: (files, _history, random) => {
    const [one, other] = [anyFile(files, random), anyFile(files, random)];
    const [first, second] = [files.get(one), files.get(other)];
    if (first === undefined || second === undefined) return;
    files.set(one, second);
    files.set(other, first);
  },
  removeSegment: (files, _history, random) => {
    files.delete(anyFile(files, random));
  },
  renameSegment: (files, _history, random) => {
    const file = anyFile(files, random);
    const name = parseSegmentName(file);
    const bytes = files.get(file);
    if (name === undefined || bytes === undefined) return;
    files.delete(file);
    files.set(
      segmentName(name.sequence + random.int(3) - 1 < 0 ? 0 : name.sequence + random.int(3), name.firstIndex).file,
      bytes,
    );
  },
  duplicateSegment: (files, _history, random) => {
    const bytes = files.get(anyFile(files, random));
    const last = parseSegmentName([...files.keys()].sort().at(-1) ?? '');
    if (bytes !== undefined && last !== undefined) files.set(segmentName(last.sequence + 1, last.firstIndex).file, bytes);
  },
};
