import * as assert from 'uvu/assert';
import { FormatError } from '../../ts/base/errors.ts';

/** Bytes from hexadecimal digits, spaces ignored. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Bytes from text, each character one byte. */
export function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** The bytes of the parts, one after the other. */
export function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Asserts that `run` throws a FormatError whose message matches. */
export function throwsFormatError(run: () => unknown, message: RegExp, label: string): void {
  try {
    run();
  } catch (error) {
    assert.instance(error, FormatError, `${label}: ${error}`);
    assert.match((error as Error).message, message, label);
    return;
  }
  assert.unreachable(`${label} was accepted`);
}
