import * as assert from 'uvu/assert';
import { FormatError } from '../../ts/base/errors.ts';

/** Bytes from hexadecimal digits, spaces ignored. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Bytes from text, each character one byte. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** The bytes of the parts, one after the other. */
export function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
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
