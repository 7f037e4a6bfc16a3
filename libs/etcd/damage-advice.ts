/** What an operator can do about a member whose files are damaged. */
export const damageAdvice =
  'This member must not go on with it. In a cluster of several: remove the member (etcdctl member remove ID), delete its data ' +
  'directory, add it again (etcdctl member add). Alone: restore a snapshot (etcdctl snapshot restore) or a backup of the data directory';
