// Elementary functions on v128: NAME_f32 on four floats, NAME_f64 on two doubles. Only + - * / sqrt and bit
// operations, so every engine gives the same bits.
export * from './math/exp';
export * from './math/trig';
export { erf_f32 } from './math/special';
export * from './math/lanes32';
export * from './math/lanes64';
