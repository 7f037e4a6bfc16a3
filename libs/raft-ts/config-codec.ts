// Membership changes and configurations as bytes, the content of `configChange` entries and of snapshot metadata.
// drydock.raft.v1.ConfigChange and ConfState in proto/drydock/raft/v1/peer.proto.
import type { ConfigChange, ConfigChangeType, ConfState, MemberId } from './types.ts';
import { WireError, WireReader, WireWriter } from './wire.ts';

const typeNames: readonly ConfigChangeType[] = ['addVoter', 'addLearner', 'remove', 'update'];

export function encodeConfigChange(change: ConfigChange): Uint8Array {
  const writer = new WireWriter();
  for (const step of change.steps) {
    writer.message(1, (w) => {
      w.uint(1, typeNames.indexOf(step.type));
      w.fixed64(2, step.id);
    });
  }
  writer.bytes(2, change.context);
  return writer.finish();
}

/** Throws WireError where `data` is no encoded change. */
export function decodeConfigChange(data: Uint8Array): ConfigChange {
  const steps: { type: ConfigChangeType; id: MemberId }[] = [];
  let context: Uint8Array = new Uint8Array(0);
  const reader = new WireReader(data);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) steps.push(readStep(reader.message()));
    else if (field === 2) context = reader.bytes();
    else reader.skip();
  }
  return { steps, context };
}

function readStep(reader: WireReader): { type: ConfigChangeType; id: MemberId } {
  let type: ConfigChangeType | undefined = 'addVoter';
  let id = 0n;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) type = typeNames[reader.uint()];
    else if (field === 2) id = reader.fixed64();
    else reader.skip();
  }
  if (type === undefined) throw new WireError('unknown type of membership change');
  return { type, id };
}

/** What a change that is not taken comes to. */
export const noChange: ConfigChange = { steps: [], context: new Uint8Array(0) };

/** The configuration of a cluster that has no members yet. */
export const emptyConf: ConfState = { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };

export function writeConfState(writer: WireWriter, conf: ConfState): void {
  for (const id of conf.voters) writer.fixed64(1, id);
  for (const id of conf.learners) writer.fixed64(2, id);
  for (const id of conf.votersOutgoing) writer.fixed64(3, id);
  for (const id of conf.learnersNext) writer.fixed64(4, id);
  writer.bool(5, conf.autoLeave);
}

export function readConfState(reader: WireReader): ConfState {
  const voters: MemberId[] = [];
  const learners: MemberId[] = [];
  const votersOutgoing: MemberId[] = [];
  const learnersNext: MemberId[] = [];
  let autoLeave = false;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) reader.fixed64s(voters);
    else if (field === 2) reader.fixed64s(learners);
    else if (field === 3) reader.fixed64s(votersOutgoing);
    else if (field === 4) reader.fixed64s(learnersNext);
    else if (field === 5) autoLeave = reader.bool();
    else reader.skip();
  }
  return { voters, learners, votersOutgoing, learnersNext, autoLeave };
}
