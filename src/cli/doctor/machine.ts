/** What the doctor can ask of a machine. Its checks have no other way out: tests inject it. */

/** What a fresh process found when it loaded the inference runtime. */
export type RuntimeFacts =
  | {
      readonly version: string;
      readonly backends: readonly { readonly name: string; readonly bundled: boolean }[];
    }
  | { readonly problem: string };

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Without the leading `v`. */
  readonly nodeVersion: string;
  /** The range in the package's `engines.node`; null when it cannot be read. */
  readonly nodeRange: string | null;
  readonly cpuModel: string | null;
  /** Processors that this process may run on. */
  readonly logicalCores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly home: string;
  /** null when there is no such file, or it may not be read. */
  readText(path: string): string | null;
  /** Names in a directory; null when there is none. */
  list(path: string): readonly string[] | null;
  /** Bytes that this user may still write below the nearest existing parent of `path`. */
  diskFreeBytes(path: string): number | null;
  /** stdout of a command; null when it is not installed or failed. */
  execute(command: string, args: readonly string[]): Promise<string | null>;
  runtime(): Promise<RuntimeFacts>;
  /** Debian packages that WebGPU needs here and that are not installed. */
  missingGpuPackages(): readonly string[];
}

/** One line of the doctor's answer. */
export interface Check {
  /** Stable name, for scripts that read the JSON. */
  readonly id: string;
  /** limited: it works, but less than it could; unknown: this machine does not tell. */
  readonly state: 'ok' | 'limited' | 'missing' | 'unknown';
  readonly summary: string;
  /** What to know or install; null when there is nothing to say. */
  readonly advice: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
}
