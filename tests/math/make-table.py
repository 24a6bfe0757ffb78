# Writes tests/math/table.ts: high-precision values of the double functions (mpmath, 60 digits, rounded once).
#   python3 tests/math/make-table.py > tests/math/table.ts
import random, struct
import mpmath as mp
mp.mp.dps = 400
random.seed(7)
U = lambda lo, hi, n: [random.uniform(lo, hi) for _ in range(n)]
L = lambda lo, hi, n: [2.0 ** random.uniform(lo, hi) for _ in range(n)]
S = lambda xs: [x * random.choice((-1, 1)) for x in xs]
tiny = S(L(-1000, -20, 3)) + S(L(-20, -2, 6))
def sig(x): return 1 / (1 + mp.exp(-x))
spec = {
  'exp': (mp.exp, tiny + U(-744, 709.7, 20) + U(-3, 3, 10)),
  'exp2': (lambda x: mp.power(2, x), tiny + U(-1073, 1023.9, 20) + U(-3, 3, 10)),
  'expm1': (mp.expm1, tiny + U(-40, 709, 10) + U(-2, 2, 20)),
  'log': (mp.log, L(-1070, 1023, 20) + U(0.5, 2, 20)),
  'log2': (lambda x: mp.log(x) / mp.log(2), L(-1070, 1023, 20) + U(0.5, 2, 20)),
  'log10': (mp.log10, L(-1070, 1023, 20) + U(0.5, 2, 20)),
  'log1p': (mp.log1p, tiny + L(-60, 1000, 10) + U(-0.999, 2, 20)),
  'sin': (mp.sin, tiny + S(U(0, 7, 20)) + S(L(3, 60, 10)) + L(900, 1023, 6) + [1e22, 1e300, 6381956970095103.0 * 2.0 ** 797]),
  'cos': (mp.cos, tiny + S(U(0, 7, 20)) + S(L(3, 60, 10)) + L(900, 1023, 6) + [1e22, 1e300, 6381956970095103.0 * 2.0 ** 797]),
  'tan': (mp.tan, tiny + S(U(0, 7, 20)) + S(L(3, 60, 10)) + L(900, 1023, 6) + [1e22, 1e300]),
  'asin': (mp.asin, tiny + U(-1, 1, 24)),
  'acos': (mp.acos, tiny + U(-1, 1, 24)),
  'atan': (mp.atan, tiny + U(-4, 4, 20) + S(L(2, 300, 6))),
  'sinh': (mp.sinh, tiny + U(-5, 5, 20) + U(-710, 710, 8)),
  'cosh': (mp.cosh, tiny + U(-5, 5, 20) + U(-710, 710, 8)),
  'tanh': (mp.tanh, tiny + U(-3, 3, 20) + U(-22, 22, 8)),
  'asinh': (mp.asinh, tiny + U(-5, 5, 20) + S(L(3, 1000, 8))),
  'acosh': (mp.acosh, U(1, 3, 20) + L(2, 1000, 10)),
  'atanh': (mp.atanh, tiny + U(-1, 1, 24)),
  'erf': (mp.erf, tiny + U(-3, 3, 24) + U(3, 6, 4)),
  'erfc': (mp.erfc, tiny + U(-3, 3, 16) + U(1, 26, 16)),
  'erfinv': (mp.erfinv, tiny + U(-1, 1, 24) + [1 - 2.0 ** -k for k in (8, 16, 24, 36, 48, 53)]),
  'lgamma': (lambda x: mp.log(abs(mp.gamma(x))), L(-60, 8, 16) + U(0.1, 10, 20) + L(8, 100, 6)),
  'digamma': (mp.digamma, L(-60, -4, 6) + U(0.1, 1.3, 8) + U(1.6, 12, 12) + L(4, 100, 8)),
  'sigmoid': (sig, tiny + U(-40, 40, 20) + U(-744, -40, 8)),
}
def points(name):
  f, xs = spec[name]
  mp.mp.dps = 60
  out = []
  for x in xs:
    mp.mp.dps = 60 if abs(x) < 1e15 else 700
    if name == 'erfinv': mp.mp.dps = 40
    if name == 'lgamma' and x > 1e4: v = mp.loggamma(x)
    else: v = f(mp.mpf(x))
    out.append((x, float(v)))
  return out
if __name__ == '__main__':
  print('// Made by tests/math/make-table.py: [x, f(x)] to the nearest double.')
  print('export const table: Readonly<Record<string, readonly (readonly [number, number])[]>> = {')
  for n in spec:
    print(f'  {n}: [')
    row = ''
    for x, v in points(n):
      c = f'[{x!r}, {v!r}],'
      if len(row) + len(c) > 130: print('    ' + row.rstrip()); row = ''
      row += c + ' '
    print('    ' + row.rstrip()); print('  ],')
  print('};')
  mp.mp.dps = 60
  print('/** lgamma and digamma left of zero, where they have roots: [x, f(x)]. */')
  print('export const reflected: Readonly<Record<string, readonly (readonly [number, number])[]>> = {')
  for n in ('lgamma', 'digamma'):
    print(f'  {n}: [')
    for x in U(-20, 0, 16): print(f'    [{x!r}, {float(spec[n][0](mp.mpf(x)))!r}],')
    print('  ],')
  print('};')
  print('/** [x, y, x^y] to the nearest double. */')
  print('export const powers: readonly (readonly [number, number, number])[] = [')
  mp.mp.dps = 60
  for x, y in zip(U(0, 3, 12) + L(-1000, 1000, 12) + U(0.999, 1.001, 12), U(-600, 600, 12) + U(-1, 1, 12) + U(-7e5, 7e5, 12)):
    print(f'  [{x!r}, {y!r}, {float(mp.power(mp.mpf(x), mp.mpf(y)))!r}],')
  print('];')
