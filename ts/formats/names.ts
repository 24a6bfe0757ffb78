import type { Form } from '../tensor/index.ts';

/**
 * Names of the tensors of a plan's arguments or result, by their numbers: keys of objects as they are, what has none after `letter`
 * (x where there is one argument, else x0, x1 and so on), parts of lists behind a dot.
 */
export function namesOf(form: Form, letter: string): string[] {
  const names: string[] = [];
  const visit = (part: Form, name: string): void => {
    if (part.kind === 'tensor') names[part.index] ??= name || letter;
    else if (part.kind === 'record') part.parts.forEach((x, i) => visit(x, name ? `${name}.${part.keys[i]}` : part.keys[i]));
    else if (part.kind === 'list')
      part.parts.forEach((x, i) => visit(x, name ? `${name}.${i}` : part.parts.length === 1 ? '' : `${letter}${i}`));
  };
  visit(form, '');
  return names;
}
