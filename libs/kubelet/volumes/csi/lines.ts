// One after the other, by key.

export class Lines {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does `work` when all that was given for the key before has come to its end, whatever that was. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work, work);
    const over = turn.catch(() => {});
    this.#last.set(key, over);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === over) this.#last.delete(key);
    }
  }
}
