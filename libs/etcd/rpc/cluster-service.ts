// etcdserverpb.Cluster: who belongs to the cluster, and changes of it, one at a time.
import { EtcdError } from '../errors.ts';
import type { LeaderCalls } from '../server/leader-calls.ts';
import { memberId } from '../server/members.ts';
import { refusalOf } from '../server/membership-change.ts';
import { type ClusterView, checkAdd, checkPromote, checkRemove } from '../server/reconfig-check.ts';
import type { EtcdServer } from '../server/server.ts';
import { parseUrls } from '../server/urls.ts';
import {
  type Member,
  MemberAddRequest,
  MemberAddResponse,
  MemberIdRequest,
  MemberListRequest,
  MembersResponse,
  MemberUpdateRequest,
} from './messages.ts';
import { decode } from './protobuf.ts';
import { type Service, service, unary } from './service.ts';

/** A learner may be promoted when it has this much of the leader's log. */
const readyShare = 0.9;

export function clusterService(server: EtcdServer, leader: LeaderCalls, token: string): Service {
  const { members } = server.machine;
  const { clock, connectedSince, strictReconfigCheck: strict } = server.options;
  const view = (): ClusterView => ({
    self: server.replica.id,
    members: members.list(),
    nowMs: clock.monotonicMs(),
    connectedSince,
  });
  const answer = () => ({ header: server.header(0), members: members.list() });
  return service('etcdserverpb.Cluster', {
    MemberList: unary(MemberListRequest, MembersResponse, async ({ linearizable }) => {
      if (linearizable) await server.readPoint();
      return answer();
    }),
    MemberAdd: unary(MemberAddRequest, MemberAddResponse, async ({ peerURLs, isLearner }) => {
      const urls = checkedUrls(peerURLs);
      if (strict) checkAdd(view(), isLearner);
      const ID = memberId(urls, token, clock.wallMs() / 1000);
      const member = { ID, name: '', peerURLs: urls, clientURLs: [], isLearner };
      const type = isLearner ? 'addLearner' : 'addVoter';
      const refusal = refusalOf(members, { steps: [{ type, id: ID }] }, member);
      if (refusal !== undefined) throw refusal;
      const learners = members.list().filter((member) => member.isLearner).length;
      if (isLearner && learners >= server.options.maxLearners) throw new EtcdError('tooManyLearners');
      await server.changeMembership(type, member);
      return { ...answer(), member };
    }),
    MemberRemove: unary(MemberIdRequest, MembersResponse, async ({ ID }) => {
      if (strict) checkRemove(view(), ID);
      await server.changeMembership('remove', onlyId(ID));
      return answer();
    }),
    MemberUpdate: unary(MemberUpdateRequest, MembersResponse, async ({ ID, peerURLs }) => {
      await server.changeMembership('update', { ...onlyId(ID), peerURLs: checkedUrls(peerURLs) });
      return answer();
    }),
    MemberPromote: unary(MemberIdRequest, MembersResponse, async ({ ID }, raw) => {
      if (!server.isLeader) {
        // Only the leader knows how far the learner is.
        const passedOn = await leader.unary('/etcdserverpb.Cluster/MemberPromote', raw);
        return { ...decode(MembersResponse, passedOn), header: server.header(0) };
      }
      const { progress } = server.replica.status();
      const match = (id: bigint) => progress.get(id)?.match;
      if ((match(ID) ?? Infinity) < (match(server.replica.id) ?? 0) * readyShare) throw new EtcdError('learnerNotReady');
      if (strict) checkPromote(view());
      await server.changeMembership('addVoter', onlyId(ID));
      return answer();
    }),
  });
}

/** A change that says nothing but whom it is about. */
function onlyId(ID: bigint): Member {
  return { ID, name: '', peerURLs: [], clientURLs: [], isLearner: false };
}

function checkedUrls(urls: readonly string[]): string[] {
  if (urls.length === 0) throw new EtcdError('badMemberUrls');
  try {
    return parseUrls(urls).map(({ text }) => text);
  } catch (cause) {
    throw new EtcdError('badMemberUrls', { cause });
  }
}
