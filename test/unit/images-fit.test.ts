/** Whether an image fits the machine it is to be woken on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessFor } from '../../src/adapters/images/access.ts';
import { cpuMisfit, criuMisfit, flagsDigest, kernelMisfit, misfits } from '../../src/adapters/images/fit.ts';
import { flagsOf } from '../../src/adapters/images/machine.ts';

const KERNELS = [
  { made: '6.18.44-fc-v669', here: '6.18.44-fc-v669' },
  { made: '6.18.44', here: '6.18.45' },
  { made: '6.1.0-18-amd64', here: '6.1.0-31-amd64' },
  { made: '6.1.0-18-amd64', here: '6.1.0-18-cloud-amd64' },
  { made: '6.18.44', here: '6.18.43', why: 'older' },
  { made: '6.18.9', here: '6.18.10' },
  { made: '6.1.0-31-amd64', here: '6.1.0-18-amd64', why: 'older' },
  { made: '6.18.0', here: '6.17.12', why: 'not of the series 6.18' },
  { made: '6.18.44', here: '6.19.0', why: 'not of the series 6.18' },
  { made: '6.18.44', here: '7.18.44', why: 'not of the series 6.18' },
  { made: 'unknown', here: 'other', why: 'not of the series' },
] as const;

for (const { made, here, ...rest } of KERNELS) {
  test(`an image of kernel ${made} is ${'why' in rest ? 'refused' : 'taken'} on ${here}`, () => {
    const misfit = kernelMisfit(made, here);
    assert.equal(misfit === undefined, !('why' in rest));
    if (misfit === undefined || !('why' in rest)) return;
    assert(misfit.why.includes(rest.why) && misfit.why.includes(here), misfit.why);
    assert.match(misfit.next, new RegExp(`boot kernel ${made}`));
  });
}

const CRIUS = [
  { made: '4.2.1', here: '4.2.1', fits: true },
  { made: '4.2.1', here: '4.2', fits: true },
  { made: '4.2.1', here: '4.3', fits: true },
  { made: '4.9', here: '4.10', fits: true },
  { made: '4.10', here: '4.9', fits: false },
  { made: '4.2.1', here: '4.1.1', fits: false },
  { made: 'Version: 4.2', here: '3.19', fits: false },
];

for (const { made, here, fits } of CRIUS) {
  test(`an image of CRIU ${made} is ${fits ? 'taken' : 'refused'} by ${here}`, () => {
    assert.equal(criuMisfit(made, here) === undefined, fits);
  });
}

test('a CPU must have all that the app may have found, and may have more', () => {
  assert.equal(cpuMisfit(['sse2', 'avx2'], ['avx2', 'avx512f', 'sse2']), undefined);
  const misfit = cpuMisfit(['sse2', 'avx2', 'avx512f', 'sha_ni'], ['sse2', 'sha_ni']);
  assert.match(misfit?.why ?? '', /lacks avx2, avx512f,/);
});

test('what the kernel says about itself among the flags does not count', () => {
  assert.equal(
    cpuMisfit(['sse2', 'pti', 'ibrs_enhanced', 'hypervisor', 'vmx', 'md_clear', 'constant_tsc'], ['sse2']),
    undefined,
  );
});

test('all that does not fit is said at once', () => {
  const made = { kernelRelease: '6.18.1', cpuFlags: ['avx2'], criu: '4.2' };
  assert.equal(misfits(made, { ...made, bootId: 'b' }).length, 0);
  assert.equal(misfits(made, { kernelRelease: '6.17.1', cpuFlags: [], criu: '4.1', bootId: 'b' }).length, 3);
});

test('the flags of a machine are those that all its CPUs have', () => {
  const x86 = 'processor\t: 0\nflags\t\t: sse2 fpu avx\nvmx flags\t: vnmi\n\nprocessor\t: 1\nflags\t\t: fpu avx sse2\n';
  assert.deepEqual(flagsOf(x86), ['avx', 'fpu', 'sse2']);
  const bigLittle = 'processor\t: 0\nFeatures\t: fp asimd sve\n\nprocessor\t: 4\nFeatures\t: fp asimd\n';
  assert.deepEqual(flagsOf(bigLittle), ['asimd', 'fp']);
  assert.deepEqual(flagsOf('processor : 0\n'), []);
  assert.equal(flagsDigest(['a', 'b']), flagsDigest(['b', 'a']));
});

test('the root of the app’s user namespace may read its image; without such a namespace root alone', () => {
  const user = [{ type: 'pid' }, { type: 'user' }];
  const mapped = [
    { containerID: 1000, hostID: 1000, size: 1 },
    { containerID: 0, hostID: 230_001, size: 1 },
  ];
  const modes = (config: unknown): string => {
    const { gid, directoryMode, fileMode } = accessFor(config);
    return `${gid} ${directoryMode.toString(8)} ${fileMode.toString(8)}`;
  };
  assert.equal(modes({ linux: { namespaces: user, gidMappings: mapped } }), '230001 710 640');
  assert.equal(modes({ linux: { namespaces: user, gidMappings: mapped.slice(0, 1) } }), '0 711 644');
  for (const config of [{}, { linux: {} }, { linux: { namespaces: [{ type: 'pid' }] } }, undefined, 'text']) {
    assert.equal(modes(config), '0 700 600');
  }
});
