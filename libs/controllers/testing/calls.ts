// Calls to something that is no apiserver, in a World; a mishap befalls one of all, by number.

export type CallMishap = 'fails before' | 'fails after' | 'crashes before' | 'crashes after';
export const callMishaps: readonly CallMishap[] = ['fails before', 'fails after', 'crashes before', 'crashes after'];

export class Calls {
  count = 0;
  mishap: { readonly at: number; readonly what: CallMishap } | undefined;
  /** Ends the process that calls and begins another one. */
  crash: () => void = () => {};

  /** What a crashed process has called for is never answered. */
  async call<T>(effect: () => T): Promise<T> {
    this.count++;
    const what = this.mishap?.at === this.count ? this.mishap.what : undefined;
    if (what === undefined) return effect();
    if (what.endsWith('after')) effect();
    if (what.startsWith('fails')) throw new Error('the tool was killed');
    this.crash();
    return new Promise(() => {});
  }
}
