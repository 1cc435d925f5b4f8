/** Parts of tensors whose files are in memory: a part lies in the file of its name. */
import type { BandReader } from '../../src/weights/convert/convert-band.ts';
import type { Part, ReadAt } from '../../src/weights/formats/stored-tensor.ts';
import type { TensorToLayOut } from '../../src/weights/safetensors-write.ts';

type Place = Parameters<ReadAt>[0];

export class PartFiles implements BandReader {
  readonly #bytes = new Map<string, Uint8Array>();

  add({ name, dtype, shape }: TensorToLayOut, bytes: Uint8Array): Part {
    this.#bytes.set(name, bytes);
    return { name, dtype, shape, bytes: bytes.length, location: { file: name, offset: 0 } };
  }

  readonly readAt = ({ file, offset }: Place, length: number): Uint8Array =>
    this.#bytes.get(file)!.slice(offset, offset + length);

  readInto(place: Place, target: Uint8Array): void {
    target.set(this.readAt(place, target.length));
  }
}
