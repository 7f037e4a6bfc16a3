// UDP has no end that conntrack could see: a flow that was sent to an endpoint goes on being sent there after the endpoint, or the
// whole service, is gone. These flows have to be deleted. Pure. What upstream takes for stale is taken for stale here
// (pkg/proxy/conntrack), and besides it what still goes where no service is any more.
import type { ServicePort } from './service-port.ts';

/** A tracked UDP flow: where it was sent, and who answers. */
export interface Flow {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

/** All flows to one place that are answered by one other: what one deletion takes away. */
export type FlowGroup = Pick<Flow, 'destination' | 'destinationPort' | 'replySource' | 'replySourcePort'>;

/** `address:port` at which UDP services are reached, each with the `address:port` of those that may answer there. */
export type Frontends = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the lines of `conntrack -L -p udp`; lines of another shape are skipped. */
export function parseFlows(text: string): Flow[] {
  const flows: Flow[] = [];
  for (const line of text.split('\n')) {
    const fields = [...line.matchAll(/\b(src|dst|sport|dport)=(\S+)/g)].map((match) => match[2] ?? '');
    if (!line.startsWith('udp') || fields.length < 8) continue;
    const [source = '', destination = '', sourcePort, destinationPort, replySource = '', , replySourcePort] = fields;
    flows.push({
      source,
      sourcePort: Number(sourcePort),
      destination,
      destinationPort: Number(destinationPort),
      replySource,
      replySourcePort: Number(replySourcePort),
    });
  }
  return flows;
}

/**
 * Where UDP services are reached. Every endpoint that serves may answer, also one that no new flow would be sent to (traffic
 * policies, others that are ready): a change of the service ends no flow that works.
 */
export function udpFrontends(ports: readonly ServicePort[], nodePortIPs: readonly string[]): Frontends {
  const frontends = new Map<string, Set<string>>();
  for (const port of ports) {
    if (port.protocol !== 'udp') continue;
    const answering = port.endpoints.filter(({ serving }) => serving).map((endpoint) => `${endpoint.ip}:${endpoint.port}`);
    const at = [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs].map((ip) => `${ip}:${port.port}`);
    if (port.nodePort !== 0) at.push(...nodePortIPs.map((ip) => `${ip}:${port.nodePort}`));
    for (const frontend of at) {
      const known = frontends.get(frontend) ?? new Set();
      frontends.set(frontend, known);
      for (const endpoint of answering) known.add(endpoint);
    }
  }
  return frontends;
}

/**
 * The flows that must go: those to a frontend that are answered by nobody who may, and those that are still translated at one of
 * `former`, the frontends that once were.
 */
export function staleFlows(flows: readonly Flow[], frontends: Frontends, former: ReadonlySet<string>): FlowGroup[] {
  const groups = new Map<string, FlowGroup>();
  for (const { destination, destinationPort, replySource, replySourcePort } of flows) {
    const frontend = `${destination}:${destinationPort}`;
    const answering = `${replySource}:${replySourcePort}`;
    const valid = frontends.get(frontend);
    const stale = valid === undefined ? former.has(frontend) && answering !== frontend : !valid.has(answering);
    if (stale) groups.set(`${frontend} ${answering}`, { destination, destinationPort, replySource, replySourcePort });
  }
  return [...groups.values()];
}

/** A text that differs whenever the frontends do. */
export function frontendsText(frontends: Frontends): string {
  return [...frontends].map(([frontend, answering]) => `${frontend}=${[...answering].join(',')}`).join('\n');
}
