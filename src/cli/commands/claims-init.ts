/** `assay claims init [DIR]` */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { claimsFile, proposeClaims } from '../../evidence/claims/propose.ts';
import { FormatError, UsageError } from '../../record/errors.ts';
import { storageError } from '../../record/storage-error.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { openLogs } from './audit.ts';

interface Options {
  directory?: string;
  out: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const path = resolve(io.cwd, options.out);
  if (existsSync(path)) {
    throw new UsageError(`${options.out} exists: it is not overwritten`, {
      hint: 'choose another name with --out',
    });
  }
  const { index, root } = await openLogs(options.directory ?? '.', io);
  const claims = proposeClaims(index);
  if (claims.length === 0) {
    throw new FormatError(`no logs in ${options.directory ?? '.'}`, {
      hint: 'give the directory that holds the logs',
    });
  }
  try {
    writeFileSync(
      path,
      claimsFile(claims, relative(dirname(path), root).replaceAll('\\', '/') || '.'),
      { flag: 'wx' },
    );
  } catch (cause) {
    throw storageError({ doing: 'write', path, cause });
  }
  if (options.json) {
    writeJson(io.stdout, { path: options.out, logs: index.files.length, claims });
    return 0;
  }
  writeLine(
    io.stdout,
    `${claims.length} claims about ${index.files.length} logs: ${relative(io.cwd, path)}`,
  );
  writeLine(
    io.stdout,
    `Next: assay claims check${options.out === 'claims.yaml' ? '' : ` ${options.out}`}`,
  );
  return 0;
}
