// What is said of Ingresses that are not wholly served: each sentence once, and a bounded number of them for each Ingress.
import { problemsPerIngressMax } from './limits.ts';
import { type IngressName, nameText, type Problem } from './model.ts';

export class Problems {
  readonly list: Problem[] = [];
  readonly #messages = new Map<string, Set<string>>();

  add({ namespace, name }: IngressName, reason: string, message: string): void {
    const key = nameText({ namespace, name });
    const own = this.#messages.get(key) ?? new Set();
    this.#messages.set(key, own);
    if (own.size >= problemsPerIngressMax || own.has(message)) return;
    own.add(message);
    this.list.push({ ingress: { namespace, name }, reason, message });
  }
}
