// Who makes a request, as it travels in the proposal: so every member judges it alike.

export interface Identity {
  readonly user: string;
  /** Of the authentication store when the user was identified; a request that is older than a change is judged anew. */
  readonly revision: number;
}
