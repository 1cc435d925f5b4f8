/** PyTorch's CUDA out-of-memory messages: three generations, one with the typo `capacty`. */
import type { Dialect } from '../dialect.ts';

const SIZE = String.raw`([\d.]+) ([KMG])iB`;
const TRIED = new RegExp(`Tried to allocate ${SIZE}`);
/** `GPU 1 has a total capacity of 21.98 GiB`, older `(GPU 0; 15.78 GiB total capacity; …)`. */
const CAPACITY = new RegExp(
  String.raw`GPU (\d+) has a total capaci?ty of ${SIZE}|\(GPU (\d+); ${SIZE} total capacity`,
);
const FREE = new RegExp(`(?:of which )?${SIZE} (?:is )?free`);
const SCALE: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

export const cudaOom: Dialect = {
  name: 'cuda-oom',
  needles: ['Tried to allocate', 'CUDA out of memory', 'CUDA error: out of memory'],
  open: (log) => ({
    line(line) {
      const { text } = line;
      log.count('errors', line);
      const put = (name: string, figure?: string, scale?: string): void => {
        if (figure === undefined || scale === undefined) return;
        const bytes = Math.round(Number(figure) * (SCALE[scale] as number));
        if (Number.isFinite(bytes)) log.fact(name, bytes, line, { unit: 'bytes' });
      };
      const tried = TRIED.exec(text);
      put('triedToAllocate', tried?.[1], tried?.[2]);
      const capacity = CAPACITY.exec(text);
      const gpu = capacity?.[1] ?? capacity?.[4];
      if (gpu !== undefined) log.fact('gpu', Number(gpu), line);
      put('capacity', capacity?.[2] ?? capacity?.[5], capacity?.[3] ?? capacity?.[6]);
      const free = FREE.exec(text);
      put('free', free?.[1], free?.[2]);
      log.sign('error', 'out-of-memory', line);
    },
  }),
};
