// What the driver says that it can do.

const controllerRpcs = ['CREATE_DELETE_VOLUME', 'LIST_VOLUMES', 'GET_CAPACITY', 'EXPAND_VOLUME', 'SINGLE_NODE_MULTI_WRITER'];
const nodeRpcs = ['GET_VOLUME_STATS', 'SINGLE_NODE_MULTI_WRITER'];

const rpcs = (types: readonly string[]) => ({ capabilities: types.map((type) => ({ rpc: { type } })) });

export const pluginCapabilities = {
  capabilities: [
    { service: { type: 'CONTROLLER_SERVICE' } },
    { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
    { volume_expansion: { type: 'ONLINE' } },
  ],
};
export const controllerCapabilities = rpcs(controllerRpcs);
export const nodeCapabilities = rpcs(nodeRpcs);
