import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { subject, withoutFilter } from './explain-box.ts';
import { criuSurveys } from '../../src/adapters/criu/survey.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
const sv = criuSurveys(toolRunner({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }), { ghostLimitBytes: 1 << 20, skipsInFlight: false });
import { programs } from './lab-programs.ts';
const only = process.argv.slice(2);
for (const [name, p] of Object.entries(programs)) {
  if (only.length > 0 && !only.includes(name)) continue;
  try {
    await using s = await subject(['/usr/bin/perl', '-e', p.script], { change: p.filter ? undefined : withoutFilter, ...p });
    const before = p.before ? await p.before(s) : undefined;
    const t0 = performance.now(); const fs = await sv.survey({ pids: await s.pids(), tcp: 'close' }); console.log(`== ${name} survey ${(performance.now() - t0).toFixed(1)} ms`); for (const f of fs) console.log(`   [${f.code}${f.blocks ? '' : ' remark'}] ${f.what} | fd ${JSON.stringify(f.descriptor)}`);
    if (process.env.NODUMP) { if (typeof before === 'function') await before(); continue; }
    const r = await s.checkpoint();
    cpSync(r.log, `/tmp/rmt-lab/${name}.dump.log`);
    console.log(`== ${name}: dumped=${r.dumped} ${r.said.trim().split('\n').at(-1)}`);
    console.log(readFileSync(r.log, 'utf8').split('\n').filter((l) => /Error|Warn/.test(l)).join('\n'));
    if (r.dumped) {
      const q = await s.restore();
      try { cpSync(q.log, `/tmp/rmt-lab/${name}.restore.log`); } catch {}
      console.log(`   restored=${q.restored} ${q.restored ? '' : q.said.trim().split('\n').at(-1)}`);
      try { console.log(readFileSync(q.log, 'utf8').split('\n').filter((l) => /Error|Warn/.test(l)).join('\n')); } catch {}
    }
    if (typeof before === 'function') await before();
  } catch (e) { console.log(`== ${name}: EXC`, e); }
}
process.exit(0);
