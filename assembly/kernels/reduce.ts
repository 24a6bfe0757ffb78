// Sums, products, extremes and truth tests over any axes.
import { reduce } from './axes';
import { PROD, SUM, TOP } from './fold';

export function sum(s: usize, phase: i32, tile: i32): void { reduce(s, phase, tile, SUM, false); }
export function prod(s: usize, phase: i32, tile: i32): void { reduce(s, phase, tile, PROD, false); }
export function amax(s: usize, phase: i32, tile: i32): void { reduce(s, phase, tile, TOP, false); }
export function amin(s: usize, phase: i32, tile: i32): void { reduce(s, phase, tile, TOP, true); }
export function any(s: usize, phase: i32, tile: i32): void { reduce(s, phase, tile, TOP, false); }
export function all(s: usize, phase: i32, tile: i32): void { reduce(s, phase, tile, TOP, true); }
