// UDP has no end that conntrack could see: a flow that was sent to an endpoint goes on being sent there after the endpoint is
// gone. These flows have to be deleted. Pure.
import { clusterEndpoints, localEndpoints, type ServicePort } from './service-port.ts';

/** A tracked UDP flow: where it was sent, and who answers. */
export interface Flow {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

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

/** The flows to a service that are answered by something that is no endpoint of it any more. */
export function staleFlows(flows: readonly Flow[], ports: readonly ServicePort[], nodePortIPs: readonly string[]): Flow[] {
  const backends = new Map<string, Set<string>>();
  for (const port of ports) {
    if (port.protocol !== 'udp') continue;
    const valid = new Set([...clusterEndpoints(port), ...localEndpoints(port)].map((e) => `${e.ip}:${e.port}`));
    // Where nothing could answer, flows are rejected anyway, and none of them is worth a look.
    if (valid.size === 0) continue;
    for (const ip of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs]) backends.set(`${ip}:${port.port}`, valid);
    if (port.nodePort !== 0) for (const ip of nodePortIPs) backends.set(`${ip}:${port.nodePort}`, valid);
  }
  return flows.filter((flow) => {
    const valid = backends.get(`${flow.destination}:${flow.destinationPort}`);
    return valid !== undefined && !valid.has(`${flow.replySource}:${flow.replySourcePort}`);
  });
}

/** A text that differs whenever the endpoints of UDP services do. */
export function udpFingerprint(ports: readonly ServicePort[]): string {
  return ports
    .filter((port) => port.protocol === 'udp')
    .map((port) =>
      JSON.stringify([port.clusterIP, port.port, port.nodePort, port.externalIPs, port.loadBalancerIPs, port.endpoints]),
    )
    .join('\n');
}
