// Query and path parameters that operations share.

interface Parameter {
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

export const queryParameters: Readonly<Record<string, Parameter>> = {
  allowWatchBookmarks: {
    type: 'boolean',
    description: 'Asks for watch events of type BOOKMARK, which carry a resource version only.',
  },
  continue: { type: 'string', description: 'Where to go on: the token that the previous page of a list gave.' },
  fieldSelector: { type: 'string', description: 'Restricts the objects by their fields. Defaults to everything.' },
  labelSelector: { type: 'string', description: 'Restricts the objects by their labels. Defaults to everything.' },
  limit: { type: 'integer', description: 'The most objects to answer in one page of a list.' },
  resourceVersion: { type: 'string', description: 'Constrains from which state of the cluster the request is served.' },
  resourceVersionMatch: { type: 'string', description: 'How resourceVersion is applied to list calls: NotOlderThan or Exact.' },
  sendInitialEvents: { type: 'boolean', description: 'Starts a watch with the present objects, ended by a bookmark.' },
  timeoutSeconds: { type: 'integer', description: 'How long a list or watch may take, in seconds.' },
  watch: { type: 'boolean', description: 'Answers with a stream of changes instead of a list.' },
  dryRun: { type: 'string', description: 'All: every stage runs, nothing is stored.' },
  fieldManager: { type: 'string', description: 'Who makes the change: at most 128 printable characters.' },
  fieldValidation: { type: 'string', description: 'What to do with unknown and repeated fields: Ignore, Warn or Strict.' },
  force: { type: 'boolean', description: 'For apply requests: take over fields that others own.' },
  gracePeriodSeconds: { type: 'integer', description: 'Seconds before the object is deleted; 0 deletes it at once.' },
  orphanDependents: { type: 'boolean', description: 'Deprecated: use propagationPolicy.' },
  propagationPolicy: { type: 'string', description: 'What becomes of dependents: Orphan, Background or Foreground.' },
};

export const pathParameters: Readonly<Record<string, string>> = {
  name: 'name of the object',
  namespace: 'object name and auth scope, such as for teams and projects',
};
