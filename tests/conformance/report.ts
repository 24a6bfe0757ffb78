/** How one case ended. */
export interface Verdict {
  /** `modules`, `optim`, `train`, ... */
  readonly suite: string;
  /** What is tested: the module, optimizer or schedule. */
  readonly name: string;
  readonly id: string;
  readonly result: 'pass' | 'fail' | 'not implemented';
  /** Why it did not pass. */
  readonly message: string;
}

/** Runs one case: what it returns (null: agrees) or throws becomes the verdict. */
export function judge(suite: string, name: string, id: string, missing: (error: unknown) => boolean, run: () => string | null): Verdict {
  try {
    const message = run();
    return { suite, name, id, result: message === null ? 'pass' : 'fail', message: message ?? '' };
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { suite, name, id, result: missing(error) ? 'not implemented' : 'fail', message };
  }
}
