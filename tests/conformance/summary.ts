import type { Verdict } from './report.ts';

/** Cases that are known to fail, by id, with the reason. */
export type Expected = Readonly<Record<string, string>>;

interface Row {
  passed: number;
  failed: number;
  missing: number;
}
const count = (rows: Iterable<Row>, of: keyof Row): number => [...rows].reduce((n, r) => n + r[of], 0);

/**
 * Counts verdicts per op and part. Good is a run in which exactly the expected cases fail; what is not implemented is counted apart and
 * never as passed.
 */
export function summarise(verdicts: Iterable<Verdict>, expected: Expected, verbose: boolean): { lines: string[]; good: boolean } {
  const rows = new Map<string, Row>();
  const parts = new Map<string, string>();
  const lines: string[] = [];
  const reasons = new Map<string, number>();
  let surprises = 0;
  let known = 0;
  for (const v of verdicts) {
    const key = `${v.suite} ${v.name}`;
    const row = rows.get(key) ?? { passed: 0, failed: 0, missing: 0 };
    rows.set(key, row);
    parts.set(key, v.suite);
    row[v.result === 'pass' ? 'passed' : v.result === 'fail' ? 'failed' : 'missing']++;
    const listed = Object.hasOwn(expected, v.id);
    if (v.result === 'fail' && listed) known++;
    if (v.result === 'fail' && !listed) {
      surprises++;
      lines.push(`FAIL ${key} ${v.id}: ${v.message}`);
    }
    if (v.result === 'pass' && listed) {
      surprises++;
      lines.push(`FAIL ${key} ${v.id}: it passes; take it off expected-failures.json`);
    }
    if (v.result === 'not implemented') {
      reasons.set(v.message, (reasons.get(v.message) ?? 0) + 1);
      if (verbose) lines.push(`     ${key} ${v.id}: not implemented: ${v.message}`);
    }
  }
  const width = Math.max(0, ...[...rows.keys()].map((k) => k.length));
  for (const [key, r] of rows)
    lines.push(
      `${r.failed > 0 ? 'FAIL' : r.missing > 0 ? '  - ' : ' ok '} ${key.padEnd(width)}  ${r.passed} passed, ${r.failed} failed, ${r.missing} not implemented`,
    );
  for (const part of new Set(parts.values())) {
    const own = [...rows].filter(([key]) => parts.get(key) === part).map(([, r]) => r);
    lines.push(`${part}: ${count(own, 'passed')} passed, ${count(own, 'failed')} failed, ${count(own, 'missing')} not implemented`);
  }
  const ops = [...rows].filter(([key]) => parts.get(key) === 'ops').map(([, r]) => r);
  lines.push(
    `implemented ${ops.filter((r) => r.passed + r.failed > 0).length} of ${ops.length} ops (${ops.filter((r) => r.missing === 0).length} of them in every case)`,
  );
  if (known > 0) lines.push(`${known} of the failures are expected`);
  lines.push(`${count(rows.values(), 'passed')} passed, ${count(rows.values(), 'failed')} failed`);
  return { lines, good: surprises === 0 };
}
