// Adapter: joins the streaming server of an engine (WebSocket, protocol v4.channel.k8s.io) with a caller.
import WebSocket from 'ws';

export interface StreamEvents {
  stdout(data: Buffer): void;
  stderr(data: Buffer): void;
  /** metav1.Status as JSON. */
  exit(status: Buffer): void;
  error(error: Error): void;
}

export interface StreamInputs {
  stdin(data: Uint8Array): void;
  resize(width: number, height: number): void;
  closeStdin(): void;
  close(): void;
}

export function joinStream(url: string, events: StreamEvents): StreamInputs {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), ['v4.channel.k8s.io'], { perMessageDeflate: false });
  const waiting: Buffer[] = [];
  let exited = false;
  const send = (channel: number, data: Uint8Array) => {
    const frame = Buffer.concat([Buffer.of(channel), data]);
    if (socket.readyState === socket.OPEN) socket.send(frame);
    else if (socket.readyState === socket.CONNECTING) waiting.push(frame);
  };
  socket.on('open', () => {
    for (const frame of waiting.splice(0)) socket.send(frame);
  });
  socket.on('message', (data: Buffer) => {
    const body = data.subarray(1);
    if (data[0] === 1 && body.length > 0) events.stdout(body);
    else if (data[0] === 2 && body.length > 0) events.stderr(body);
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
    close: () => socket.terminate(),
  };
}
