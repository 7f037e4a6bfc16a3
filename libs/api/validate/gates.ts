// Feature gates that decide what is valid.

export type RuleGate = 'HPAScaleToZero';

/** Whether a gate is on. */
export type GateEnabled = (gate: RuleGate) => boolean;

/** Every gate that a rule hangs on. */
export const ruleGates: readonly RuleGate[] = ['HPAScaleToZero'];

/** The rules of a server that was told nothing: every gate here is off by default. */
export const gatesByDefault: GateEnabled = () => false;
