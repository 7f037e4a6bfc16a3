// What controllers want to know about a node.

/** On a node, by its administrator: it is shut down, and what it ran does not run any more. */
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service';
