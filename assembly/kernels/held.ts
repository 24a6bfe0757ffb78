// A number in all lanes, for a loop.
import { scratch } from '../threads';

/** Through memory: V8 would move the conversion into the loop and do it in every turn. Writes 8 bytes of scratch, 128 from its start. */
export function held<T>(x: f64): v128 {
  store<T>(scratch + 128, <T>x);
  return v128.load_splat<T>(scratch + 128);
}
