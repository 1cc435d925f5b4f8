/** Values of options, checked while the command line is read. */
import { InvalidArgumentError } from 'commander';

export function integer(least: number, most = 2 ** 32 - 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const bound = most < 2 ** 32 - 1 ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new InvalidArgumentError(`a whole number ${bound} is needed.`);
  };
}

export function number(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(`a number of at least ${least} is needed.`);
  };
}

export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('a positive number of seconds is needed.');
}
