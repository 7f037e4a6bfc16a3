/** One broken rule. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}
