import { describe, expect, it } from 'vitest';
import { featureGateTable } from './feature-gate-table.ts';
import { featureGates, readGateFlag } from './feature-gates.ts';

const set = (text: string) => featureGates(readGateFlag(text.split(','), 'components'), []);

describe('--feature-gates', () => {
  it.each(Object.entries(featureGateTable))(
    '%s: its default is accepted, and changed only where upstream lets it',
    (name, gate) => {
      expect(set(`${name}=${gate.default}`).enabled(name as 'AllAlpha')).toBe(gate.default);
      const turned = () => set(`${name}=${!gate.default}`);
      if (gate.locked) {
        expect(turned).toThrow(`cannot set feature gate ${name} to ${!gate.default}, feature is locked to ${gate.default}`);
        return;
      }
      const others = Object.entries(featureGateTable).some(
        ([, each]) => each.default && (each.needs as readonly string[]).includes(name),
      );
      const needs = (gate.needs as readonly (keyof typeof featureGateTable)[]).some((each) => !featureGateTable[each].default);
      if ((gate.default && others) || (!gate.default && needs)) expect(turned).toThrow('depends on features that are disabled');
      else {
        expect(turned().enabled(name as 'AllAlpha')).toBe(!gate.default);
        expect(turned().warnings.join('\n')).toContain(name);
      }
    },
  );

  it.each([
    ['components', 'Foo=true', 'unrecognized feature gate: Foo'],
    ['components', 'kube:Foo=true', 'unrecognized feature gate: Foo'],
    ['pairs', 'kube:Foo=true', 'unrecognized feature gate: kube:Foo'],
    ['components', 'AllAlpha=true', 'feature gate AllAlpha=true: of these gates [QOSReserved] have an effect here'],
    ['components', 'KMSv1=true', 'setting deprecated feature gate KMSv1=true'],
    [
      'components',
      'GangScheduling=true,GenericWorkload=true',
      'feature gate GangScheduling=true accepted but it has no effect',
    ],
  ] as const)('%s %s warns', (syntax, text, warning) => {
    const { warnings } = featureGates(readGateFlag(text.split(','), syntax), ['QOSReserved']);
    expect(warnings.join('\n')).toContain(warning);
  });

  it.each([
    ['components', 'MaxUnavailableStatefulSet', 'missing bool value for MaxUnavailableStatefulSet'],
    ['components', 'A=x', 'invalid value of A=x, err: strconv.ParseBool: parsing "x": invalid syntax'],
    ['components', 'wardle:Foo=true', 'component not registered: wardle'],
    [
      'components',
      'GangScheduling=true',
      'GangScheduling is enabled, but depends on features that are disabled: [GenericWorkload]',
    ],
    ['pairs', 'A', 'invalid argument "A" for "--feature-gates" flag: malformed pair, expect string=bool'],
    ['pairs', 'A=x', 'flag: invalid value of A: x, err: strconv.ParseBool: parsing "x": invalid syntax'],
  ] as const)('%s %s is refused', (syntax, text, message) => {
    expect(() => featureGates(readGateFlag(text.split(','), syntax), [])).toThrow(message);
  });

  it('switches a whole stage, but not what was set by name', () => {
    const gates = featureGates(readGateFlag(['AllAlpha=true', 'MaxUnavailableStatefulSet=false'], 'components'), []);
    expect(gates.enabled('QOSReserved')).toBe(true);
    expect(gates.enabled('MaxUnavailableStatefulSet')).toBe(false);
    expect(gates.enabled('KMSv1')).toBe(false);
  });

  it('says nothing of a gate that the program acts on', () => {
    expect(featureGates(new Map([['MaxUnavailableStatefulSet', true]]), ['MaxUnavailableStatefulSet']).warnings).toEqual([]);
  });
});
