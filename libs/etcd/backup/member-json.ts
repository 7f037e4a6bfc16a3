// A member as etcd stores it: membership.Member in JSON, with its id as a bare number of 64 bits.
import type { Member } from '../rpc/messages.ts';

export function encodeMember(member: Member): Buffer {
  const { ID, name, peerURLs, clientURLs, isLearner } = member;
  const fields = [`"id":${ID}`, `"peerURLs":${JSON.stringify(peerURLs)}`];
  if (isLearner) fields.push('"isLearner":true');
  if (name !== '') fields.push(`"name":${JSON.stringify(name)}`);
  if (clientURLs.length > 0) fields.push(`"clientURLs":${JSON.stringify(clientURLs)}`);
  return Buffer.from(`{${fields.join()}}`);
}
