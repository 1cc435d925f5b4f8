/** The part of WebAssembly that is used: neither the types of ES2023 nor those of Node have it. */
export interface WasmMemory<B extends ArrayBufferLike = ArrayBuffer> {
  readonly buffer: B;
  grow(pages: number): number;
}

interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WasmMemory<ArrayBufferLike> } },
  ) => { readonly exports: object };
  readonly Memory: new <B extends ArrayBufferLike = ArrayBuffer>(pages: {
    initial: number;
    maximum: number;
    shared?: boolean;
  }) => WasmMemory<B>;
}

export const PAGE_BYTES = 1 << 16;
export const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
