/** Positioned reads over many files: each is opened at its first read and stays open. */
import { closeSync, openSync, readSync } from 'node:fs';
import { FormatError } from '../record/errors.ts';

/** One read call takes at most 2³¹ − 1 bytes. */
const READ_BYTES = 2 ** 30;

interface Place {
  readonly file: string;
  readonly offset: number;
}

export class FileReader {
  readonly #open = new Map<string, number>();

  /** `length` bytes from an absolute offset of a file, a fresh buffer. Throws as readInto. */
  readonly readAt = (place: Place, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    this.readInto(place, bytes);
    return bytes;
  };

  /**
   * Fills `target` from an absolute offset of a file.
   * @throws FormatError if the file cannot be opened or ends before that
   */
  readInto({ file, offset }: Place, target: Uint8Array): void {
    const fd = this.#descriptor(file);
    for (let done = 0; done < target.byteLength; ) {
      const want = Math.min(READ_BYTES, target.byteLength - done);
      const got = readSync(fd, target, done, want, offset + done);
      if (got === 0) {
        throw new FormatError(`${file}: ended at offset ${offset + done} while it was being read`, {
          hint: 'the file changed after it was opened; let its writer finish, then try again',
          details: { path: file, offset: offset + done, expected: target.byteLength, got: done },
        });
      }
      done += got;
    }
  }

  #descriptor(file: string): number {
    let fd = this.#open.get(file);
    if (fd === undefined) {
      try {
        fd = openSync(file, 'r');
      } catch (cause) {
        const code = (cause as NodeJS.ErrnoException).code;
        throw new FormatError(`${file}: cannot be opened (${code})`, {
          hint: 'check that the file exists and may be read',
          details: { path: file },
          cause,
        });
      }
      this.#open.set(file, fd);
    }
    return fd;
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}
