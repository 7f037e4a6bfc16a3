// What a lab asks of a host whose filter drops what it forwards, as Docker sets it up: that the lab's own link be let through. Pure.

/** The chain that the lab's rules go into. */
export type ForwardChain = 'DOCKER-USER' | 'FORWARD';

/**
 * Where rules are needed, by what `iptables -S` prints; undefined: nothing is dropped there. Docker looks at DOCKER-USER before its
 * own rules and leaves alone what is in it (docs.docker.com, Packet filtering and firewalls).
 */
export function forwardChainOf(rules: string): ForwardChain | undefined {
  const lines = rules.split('\n').map((line) => line.trim());
  if (lines.includes('-N DOCKER-USER') && lines.some((line) => /^-A FORWARD (?:.* )?-j DOCKER-USER$/.test(line)))
    return 'DOCKER-USER';
  return lines.includes('-P FORWARD DROP') ? 'FORWARD' : undefined;
}

/**
 * The rules, as words behind `iptables -I`, `-C` and `-D`: what the lab sends, and what answers that. They say by a comment whose
 * they are, so that a user's own rule for the same link is another one.
 */
export function forwardRules(link: string, chain: ForwardChain): string[][] {
  const tail = ['-m', 'comment', '--comment', `drydock ${link}`, '-j', 'ACCEPT'];
  return [
    [chain, '-i', link, ...tail],
    [chain, '-o', link, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', ...tail],
  ];
}
