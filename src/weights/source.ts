/** Where tensors come from: a file, a sharded checkpoint, or a generator of dummy weights. */

/** safetensors dtype names. */
export type Dtype =
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'F8_E8M0'
  | 'BF16'
  | 'F16'
  | 'F32'
  | 'F64'
  | 'I8'
  | 'U8'
  | 'I16'
  | 'I32'
  | 'I64'
  | 'BOOL';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Real path of the file and absolute offset in it; null for generated tensors. */
  readonly location: { readonly file: string; readonly offset: number } | null;
}

export interface TensorSource {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** Throws FormatError for an unknown name. */
  info(name: string): TensorInfo;
  /** The raw little-endian bytes, a fresh copy. */
  read(name: string): Uint8Array;
  close(): void;
}
