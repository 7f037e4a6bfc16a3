// What a controller manager is made of: a set of controllers, each with its names, whose identity it uses, and how it starts.
import type { ControllerContext } from './common/ports.ts';

export interface ControllerEntry<Options> {
  /** As in --controllers and the logs. */
  readonly name: string;
  /** The shorter name that older configurations use. */
  readonly alias: string;
  /** The service account it acts as, with --use-service-account-credentials. */
  readonly account: string;
  /** The component that its events come from, where that is not the account. */
  readonly eventSource?: string;
  /** How much more than the others it may ask of the apiserver, as upstream has it. */
  readonly rateFactor?: { readonly perSecond?: number; readonly burst?: number };
  /** undefined where the options leave it nothing to do. */
  start(options: Options, context: ControllerContext): Promise<void> | undefined;
}

export interface ControllerSet<Options> {
  /** In the order in which they start. */
  readonly entries: readonly ControllerEntry<Options>[];
  /** Names and aliases of upstream's other controllers of that program; they are accepted, and change nothing. */
  readonly notYet: readonly string[];
}
