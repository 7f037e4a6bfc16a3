// Frames that belong to no call: what a connection says of itself and of its streams' ends.
import { flags, frameTypes, pingBytes } from './frames.ts';
import { encodeSettings } from './limits.ts';
import type { Output } from './output.ts';

export class ControlFrames {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  settings(streamsMax: number | undefined): void {
    const settings = encodeSettings(streamsMax);
    this.#output.head(settings.length, frameTypes.settings, 0, 0);
    this.#output.bytes(settings);
  }

  settingsTaken(): void {
    this.#output.head(0, frameTypes.settings, flags.ack, 0);
  }

  ping(): void {
    this.#output.head(pingBytes, frameTypes.ping, 0, 0);
    this.#output.bytes(new Uint8Array(pingBytes));
  }

  pong(payload: Buffer): void {
    this.#output.head(payload.length, frameTypes.ping, flags.ack, 0);
    this.#output.bytes(payload);
  }

  /** @param stream 0 for the connection. */
  windowUpdate(stream: number, more: number): void {
    this.#output.head(4, frameTypes.windowUpdate, 0, stream);
    this.#output.uint32(more);
  }

  reset(stream: number, code: number): void {
    this.#output.head(4, frameTypes.reset, 0, stream);
    this.#output.uint32(code);
  }

  goAway(lastStream: number, code: number, text: string): void {
    const debug = Buffer.from(text);
    this.#output.head(8 + debug.length, frameTypes.goAway, 0, 0);
    this.#output.uint32(lastStream);
    this.#output.uint32(code);
    this.#output.bytes(debug);
  }
}
