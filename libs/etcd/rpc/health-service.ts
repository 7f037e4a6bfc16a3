// grpc.health.v1.Health as etcd registers it: the member as a whole, '', serves as long as it answers; no other name is known.
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md
import { decode, encode, int, string } from './protobuf.ts';
import { type Service, StatusError, service, unary } from './service.ts';

const HealthCheckRequest = { service: string(1) };
const HealthCheckResponse = { status: int(1) };
const serving = 1;
const serviceUnknown = 3;
const notFound = 5;

export function healthService(): Service {
  return service('grpc.health.v1.Health', {
    Check: unary(HealthCheckRequest, HealthCheckResponse, async ({ service: name }) => {
      if (name !== '') throw new StatusError(notFound, 'unknown service');
      return { status: serving };
    }),
    Watch: {
      kind: 'stream',
      // It never changes: the stream ends with the member.
      open: (call) => ({
        message: (raw) => {
          const { service: name } = decode(HealthCheckRequest, raw);
          call.write(encode(HealthCheckResponse, { status: name === '' ? serving : serviceUnknown }));
        },
        closed: () => {},
      }),
    },
  });
}
