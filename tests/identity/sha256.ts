// SHA-256 (FIPS 180-4), synchronous and without a host: WebCrypto is asynchronous and absent from pages over plain http.

/** The first 32 bits of the fractional part of the n-th root of each prime, exactly, by integers. */
function constants(count: number, root: bigint): Uint32Array {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    const target = BigInt(n) << (32n * root);
    let low = 0n;
    for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) {
      const next = low + bit;
      if ((root === 2n ? next * next : next * next * next) <= target) low = next;
    }
    found.push(Number(BigInt.asUintN(32, low)));
  }
  return Uint32Array.from(found);
}
const START = constants(8, 2n);
const K = constants(64, 3n);
const turn = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** A running SHA-256: `update` as often as needed, then `hex` once. */
export class Sha256 {
  private readonly state = START.slice();
  private readonly block = new Uint8Array(64);
  private readonly words = new Uint32Array(64);
  private length = 0;

  update(bytes: Uint8Array): this {
    for (let i = 0; i < bytes.length; i++) {
      this.block[this.length++ % 64] = bytes[i];
      if (this.length % 64 === 0) this.compress();
    }
    return this;
  }

  hex(): string {
    const bits = BigInt(this.length) * 8n;
    this.update(Uint8Array.of(128));
    while (this.length % 64 !== 56) this.update(Uint8Array.of(0));
    for (let i = 7n; i >= 0n; i--) this.update(Uint8Array.of(Number((bits >> (8n * i)) & 255n)));
    return Array.from(this.state, (x) => x.toString(16).padStart(8, '0')).join('');
  }

  private compress(): void {
    const { words: w, block, state } = this;
    for (let i = 0; i < 16; i++) w[i] = (block[4 * i] << 24) | (block[4 * i + 1] << 16) | (block[4 * i + 2] << 8) | block[4 * i + 3];
    for (let i = 16; i < 64; i++) {
      const [a, b] = [w[i - 15], w[i - 2]];
      w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t) | 0;
      d = c;
      c = b;
      b = a;
      a = (t + u) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((v, i) => {
      state[i] += v;
    });
  }
}
