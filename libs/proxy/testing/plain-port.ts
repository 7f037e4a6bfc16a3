// A port of a Service on which nothing special is asked for.
import type { ServicePort } from '../service-port.ts';

/** To be spread beneath what a test is about. */
export const plainPort: ServicePort = {
  namespace: 'n',
  name: '',
  portName: '',
  protocol: 'tcp',
  port: 80,
  clusterIP: '',
  nodePort: 0,
  externalIPs: [],
  loadBalancerIPs: [],
  sourceRanges: [],
  internalLocal: false,
  externalLocal: false,
  healthCheckPort: 0,
  affinitySeconds: 0,
  endpoints: [],
};
