// Every bound of the controller and its data plane.

/** Paths of all hosts together; what comes beyond is refused by name. A location costs nginx about 3 KiB. */
export const locationsMax = 20_000;
/** Addresses of one backend that requests are sent to. */
export const endpointsMax = 5_000;
/** Problems of one Ingress that are told in events. */
export const problemsPerIngressMax = 20;
