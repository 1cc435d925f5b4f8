/** What every benchmark says of where it ran. */
import { availableParallelism, cpus, totalmem } from 'node:os';

export function printMachine(): void {
  const gib = (totalmem() / 2 ** 30).toFixed(1);
  console.log(
    `machine: ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${gib} GiB, ` +
      `Node ${process.version}`,
  );
}
