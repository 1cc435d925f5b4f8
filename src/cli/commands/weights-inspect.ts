/** `assay weights inspect PATH [GLOB]` */
import { textTable } from '../../report/table.ts';
import { globFilter, type Inspection, inspect } from '../../weights/inspect/inspection.ts';
import { lookAt } from '../../weights/looked-at.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';

interface Options {
  path: string;
  glob?: string;
  json?: boolean;
}

export async function run({ path, glob, json }: Options, io: CommandIo): Promise<number> {
  const looked = lookAt(path);
  try {
    const inspection = inspect(looked, globFilter(glob));
    if (json) writeJson(io.stdout, { path, ...inspection });
    else print(inspection, io);
    return inspection.problems.length > 0 ? 3 : 0;
  } finally {
    looked.close();
  }
}

const right = (title: string) => ({ title, align: 'right' as const });

function print({ method, tensors, schemes, problems, vllm }: Inspection, io: CommandIo): void {
  const rows = tensors.map(({ name, scheme, shape, bytes, parts }) => [
    name,
    scheme,
    shape.join('×') || 'scalar',
    String(bytes),
    parts.map(({ dtype }) => dtype).join(' '),
  ]);
  const columns = [
    ...['Tensor', 'Scheme', 'Shape'].map((title) => ({ title })),
    right('Bytes'),
    { title: 'Stored as' },
  ];
  writeLine(io.stdout, textTable(columns, rows));
  const shares = schemes.map(({ scheme, tensors: count, parameters, bytes }) => [
    scheme,
    ...[count, parameters, bytes].map(String),
    parameters === 0 ? '—' : ((bytes * 8) / parameters).toFixed(3),
  ]);
  const titles = ['Tensors', 'Parameters', 'Bytes', 'Bits each'].map(right);
  writeLine(io.stdout, `\n${textTable([{ title: 'Scheme' }, ...titles], shares)}`);
  writeLine(io.stdout, `\nquantization: ${method ?? 'none, says the config'}`);
  for (const problem of problems) writeLine(io.stdout, `problem: ${problem}`);
  for (const { severity, message } of vllm) writeLine(io.stdout, `vLLM, ${severity}: ${message}`);
  if (problems.length === 0) writeLine(io.stdout, 'scales, shapes and config fit together');
  if (vllm.length === 0) writeLine(io.stdout, 'vLLM: nothing known against it, on one GPU');
}
