// Every bound of the controller and its data plane.

/** Paths of all hosts together; what comes beyond is refused by name. A location costs nginx about 3 KiB. */
export const locationsMax = 20_000;
/** Hosts of all Ingresses together, the oldest first: each is a server of nginx with a TLS context of its own, some 50 KiB. */
export const hostsMax = 5_000;
/** Further names of hosts, together. */
export const aliasesMax = 10_000;
/** Addresses of one backend that requests are sent to. */
export const endpointsMax = 5_000;
/** Problems of one Ingress that are told in events. */
export const problemsPerIngressMax = 20;
