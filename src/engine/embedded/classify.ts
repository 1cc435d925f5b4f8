/** Classification: the head on the hidden state of each row's last token. */
import { forward } from './forward.ts';
import { type LoadedModel, runLogits, throwIfAborted } from './score.ts';

/** Logits per row, [labels] each; rows of any length ≥ 1 as one right-padded batch. */
export async function classifyRows(
  model: LoadedModel,
  rows: readonly (readonly number[])[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  throwIfAborted(signal);
  if (rows.length === 0) return [];
  const lengths = rows.map((row) => row.length);
  const hidden = await forward(model, { rows, lengths, cache: null });
  throwIfAborted(signal);
  const last = lengths.map((length, row) => row * hidden.width + length - 1);
  const logits = await runLogits(model, hidden.feeds(last), last.length);
  const labels = model.arch.labels!.length;
  return rows.map((_, row) => logits.slice(row * labels, (row + 1) * labels));
}
