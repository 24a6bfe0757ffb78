/** Runs tests by name, each to its end; one that throws fails, one that returns a string is skipped for that reason. */
export async function run(tests) {
  const result = { passed: [], failed: [], skipped: [] };
  for (const [name, test] of Object.entries(tests)) {
    try {
      const why = await test();
      if (typeof why === 'string') result.skipped.push(`${name} - ${why}`);
      else result.passed.push(name);
    } catch (error) {
      result.failed.push(`${name}: ${error?.stack ?? error}`);
    }
  }
  return result;
}

/** @throws Error with both values unless they are equal as JSON */
export function equal(actual, wanted, what = '') {
  const [a, b] = [actual, wanted].map((x) => JSON.stringify(x));
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`);
}

/** @throws Error unless fn throws an error whose name is `name` */
export function throws(fn, name) {
  try {
    fn();
  } catch (error) {
    return equal(error.name, name, `the error ${error.message}`);
  }
  throw new Error(`${name} was not thrown`);
}

export const pause = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));
