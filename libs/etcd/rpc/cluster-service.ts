// etcdserverpb.Cluster: who belongs to the cluster, and changes of it, one at a time.
import { EtcdError } from '../errors.ts';
import { memberId } from '../server/members.ts';
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
import { type Service, service, unary } from './service.ts';

/** A learner may be promoted when it has this much of the leader's log. */
const readyShare = 0.9;
const learnersMax = 1;

export function clusterService(server: EtcdServer, token: string): Service {
  const { members } = server.machine;
  const answer = () => ({ header: server.header(0), members: members.list() });
  const known = (id: bigint): Member => {
    const member = members.get(id);
    if (member === undefined) throw new EtcdError('memberNotFound');
    return member;
  };

  return service('etcdserverpb.Cluster', {
    MemberList: unary(MemberListRequest, MembersResponse, async ({ linearizable }) => {
      if (linearizable) await server.readPoint();
      return answer();
    }),
    MemberAdd: unary(MemberAddRequest, MemberAddResponse, async ({ peerURLs, isLearner }) => {
      const urls = checkedUrls(peerURLs);
      const list = members.list();
      if (list.some((member) => member.peerURLs.some((url) => urls.includes(url)))) throw new EtcdError('peerUrlExists');
      if (isLearner && list.filter((member) => member.isLearner).length >= learnersMax) throw new EtcdError('tooManyLearners');
      if (!isLearner && !quorumOf(server, list.length + 1)) throw new EtcdError('notEnoughStarted');
      const member = {
        ID: memberId(urls, token, server.options.clock.wallMs() / 1000),
        name: '',
        peerURLs: urls,
        clientURLs: [],
        isLearner,
      };
      if (members.get(member.ID) !== undefined) throw new EtcdError('memberExists');
      await server.changeMembership(isLearner ? 'addLearner' : 'addVoter', member);
      return { ...answer(), member };
    }),
    MemberRemove: unary(MemberIdRequest, MembersResponse, async ({ ID }) => {
      await server.changeMembership('remove', known(ID));
      return answer();
    }),
    MemberUpdate: unary(MemberUpdateRequest, MembersResponse, async ({ ID, peerURLs }) => {
      const urls = checkedUrls(peerURLs);
      const member = known(ID);
      const taken = members.list().some((other) => other.ID !== ID && other.peerURLs.some((url) => urls.includes(url)));
      if (taken) throw new EtcdError('peerUrlExists');
      await server.changeMembership('update', { ...member, peerURLs: urls });
      return answer();
    }),
    MemberPromote: unary(MemberIdRequest, MembersResponse, async ({ ID }) => {
      const member = known(ID);
      if (!member.isLearner) throw new EtcdError('memberNotLearner');
      const { progress, lastIndex } = server.replica.status();
      if (!server.isLeader) throw new EtcdError('notLeader');
      if ((progress.get(ID)?.match ?? 0) < lastIndex * readyShare) throw new EtcdError('learnerNotReady');
      await server.changeMembership('addVoter', member);
      return answer();
    }),
  });
}

function checkedUrls(urls: readonly string[]): string[] {
  if (urls.length === 0) throw new EtcdError('badMemberUrls');
  try {
    return parseUrls(urls).map(({ text }) => text);
  } catch (cause) {
    throw new EtcdError('badMemberUrls', { cause });
  }
}

/** Whether members that have started would be a quorum of `size` voters. */
function quorumOf(server: EtcdServer, size: number): boolean {
  const started = server.machine.members.list().filter((member) => member.name !== '' && !member.isLearner).length;
  return size <= 2 || started >= Math.floor(size / 2) + 1;
}
