// How often a client may ping, as gRPC servers enforce it (gRFC A8): pings that carry no work and come too often end the connection.

/** `--grpc-keepalive-min-time`, milliseconds. */
const pingIntervalMinMs = 5000;
/** The same for a client without calls. */
const idleIntervalMinMs = 2 * 60 * 60 * 1000;
const strikesMax = 2;

export class PingPolicy {
  #lastMs = -Infinity;
  #strikes = 0;

  /** Something was sent: the next ping may measure that. */
  sent(): void {
    this.#lastMs = -Infinity;
    this.#strikes = 0;
  }

  /** A ping has come; whether it was one too many. */
  isTooMany(nowMs: number, hasCalls: boolean): boolean {
    const isEarly = nowMs - this.#lastMs < (hasCalls ? pingIntervalMinMs : idleIntervalMinMs);
    this.#lastMs = nowMs;
    if (isEarly) this.#strikes++;
    return this.#strikes > strikesMax;
  }
}
