// Adapter: joins the streaming server of an engine (WebSocket, protocol v4.channel.k8s.io) with a caller.
import WebSocket from 'ws';

export interface StreamEvents {
  /** False: there is no room for more until `resume`. */
  stdout(data: Buffer): boolean;
  stderr(data: Buffer): boolean;
  /** Whether input is to be held back: too much of it waits to be read by the container. */
  hold(isFull: boolean): void;
  /** metav1.Status as JSON. */
  exit(status: Buffer): void;
  error(error: Error): void;
}

export interface StreamInputs {
  stdin(data: Uint8Array): void;
  resize(width: number, height: number): void;
  closeStdin(): void;
  /** There is room for output again. */
  resume(): void;
  close(): void;
}

/** Input that may wait: a container need not read it. */
const waitingBytesMax = 1 << 20;

export function joinStream(url: string, events: StreamEvents): StreamInputs {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), ['v4.channel.k8s.io'], { perMessageDeflate: false });
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let exited = false;
  const look = () => events.hold(waitingBytes + socket.bufferedAmount > waitingBytesMax);
  const send = (channel: number, data: Uint8Array) => {
    const frame = Buffer.concat([Buffer.of(channel), data]);
    if (socket.readyState === socket.OPEN) socket.send(frame, look);
    else if (socket.readyState === socket.CONNECTING) {
      waiting.push(frame);
      waitingBytes += frame.length;
    }
    look();
  };
  socket.on('open', () => {
    waitingBytes = 0;
    for (const frame of waiting.splice(0)) socket.send(frame, look);
    look();
  });
  socket.on('message', (data: Buffer) => {
    const body = data.subarray(1);
    if (data[0] === 1 && body.length > 0) events.stdout(body) || socket.pause();
    else if (data[0] === 2 && body.length > 0) events.stderr(body) || socket.pause();
    else if (data[0] === 3 && body.length > 0) {
      exited = true;
      events.exit(body);
    }
  });
  socket.on('error', (error) => events.error(error));
  socket.on('close', () => {
    if (!exited) events.exit(Buffer.from(JSON.stringify({ metadata: {}, status: 'Success' })));
  });
  return {
    stdin: (data) => send(0, data),
    resize: (width, height) => send(4, Buffer.from(JSON.stringify({ Width: width, Height: height }))),
    // v4 has no way to say that input has ended but to end: an empty frame is what there is.
    closeStdin: () => send(0, new Uint8Array()),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  };
}
