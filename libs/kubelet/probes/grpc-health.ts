// Adapter: grpc.health.v1.Health/Check: one string in, one enumeration out, so written by hand (pkg/probe/grpc).

const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const serving = statuses.indexOf('SERVING');

/** HealthCheckRequest { string service = 1; } */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length === 0) return Buffer.alloc(0);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.of(0x0a, ...length), name]);
}

/** HealthCheckResponse { ServingStatus status = 1; }; 0 is not written. */
export function healthStatus(answer: Buffer | undefined): number {
  return answer?.[0] === 8 ? (answer[1] ?? 0) : 0;
}

/** `address`: `host:port`. `deadlineMs`: since the epoch. Never rejects. */
export async function grpcHealth(
  address: string,
  service: string,
  deadlineMs: number,
): Promise<{ success: boolean; output: string }> {
  const { Client, credentials } = await import('@grpc/grpc-js');
  const client = new Client(address, credentials.createInsecure(), { 'grpc.primary_user_agent': 'kube-probe/1.36' });
  const same = (bytes: Buffer) => bytes;
  const request = healthRequest(service);
  return new Promise((resolve) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, { deadline: deadlineMs }, (error, answer) => {
      client.close();
      if (error !== null) resolve({ success: false, output: `error: health rpc failed: ${error.message}` });
      else if (healthStatus(answer) === serving) resolve({ success: true, output: 'service healthy' });
      else {
        const status = statuses[healthStatus(answer)] ?? String(healthStatus(answer));
        resolve({ success: false, output: `service unhealthy (responded with ${JSON.stringify(status)})` });
      }
    });
  });
}
