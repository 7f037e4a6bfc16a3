// Entries, hard states and snapshot places as bytes, on the wire and in the log alike. drydock.raft.v1 in
// proto/drydock/raft/v1/peer.proto.
import { emptyConf, readConfState, writeConfState } from './config-codec.ts';
import type { Entry, EntryType, HardState, SnapshotMeta } from './types.ts';
import { WireError, type WireReader, type WireWriter } from './wire.ts';

const typeNames: readonly EntryType[] = ['normal', 'configChange'];

export function writeEntry(writer: WireWriter, entry: Entry): void {
  writer.uint(1, entry.term);
  writer.uint(2, entry.index);
  writer.uint(3, typeNames.indexOf(entry.type));
  writer.bytes(4, entry.data);
}

/** `data` is a view into the reader's bytes. */
export function readEntry(reader: WireReader): Entry {
  let term = 0;
  let index = 0;
  let type: EntryType | undefined = 'normal';
  let data: Uint8Array = new Uint8Array(0);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) term = reader.uint();
    else if (field === 2) index = reader.uint();
    else if (field === 3) type = typeNames[reader.uint()];
    else if (field === 4) data = reader.bytes();
    else reader.skip();
  }
  if (type === undefined) throw new WireError('unknown type of entry');
  return { term, index, type, data };
}

export function writeHardState(writer: WireWriter, hard: HardState): void {
  writer.uint(1, hard.term);
  writer.fixed64(2, hard.vote);
  writer.uint(3, hard.commit);
}

export function readHardState(reader: WireReader): HardState {
  let term = 0;
  let vote = 0n;
  let commit = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) term = reader.uint();
    else if (field === 2) vote = reader.fixed64();
    else if (field === 3) commit = reader.uint();
    else reader.skip();
  }
  return { term, vote, commit };
}

export function writeSnapshotMeta(writer: WireWriter, meta: SnapshotMeta): void {
  writer.uint(1, meta.index);
  writer.uint(2, meta.term);
  writer.message(3, (w) => writeConfState(w, meta.conf));
}

export function readSnapshotMeta(reader: WireReader): SnapshotMeta {
  let index = 0;
  let term = 0;
  let conf = emptyConf;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) index = reader.uint();
    else if (field === 2) term = reader.uint();
    else if (field === 3) conf = readConfState(reader.message());
    else reader.skip();
  }
  return { index, term, conf };
}
