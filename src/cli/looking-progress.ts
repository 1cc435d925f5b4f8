/** Progress over tensors: a line for each tenth of them; a terminal and a log show the same. */
import { type CommandIo, writeLine } from './io.ts';

export function progressLines(io: CommandIo, of: number): (name: string) => void {
  let done = 0;
  return (name) => {
    done++;
    if (Math.floor((done * 10) / of) === Math.floor(((done - 1) * 10) / of)) return;
    writeLine(io.stderr, `${done} of ${of} tensors: ${name}`);
  };
}
