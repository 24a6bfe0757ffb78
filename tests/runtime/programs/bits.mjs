const SIZE = 1 << 18;

/** A result that threads share, from a copy of wick, as text of all its numbers. */
export function bits(wick) {
  wick.manualSeed(3);
  return wick.scope(() => {
    const y = wick.randn([SIZE]).exp().cumsum(0);
    return y.dataSync().join();
  });
}
