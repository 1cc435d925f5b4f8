/** A supervisor for record-process.test.ts: claims and releases when told to. */
import { claimExperiment, type ExperimentClaim } from '../../src/record/claim.ts';
import { UsageError } from '../../src/record/errors.ts';
import { labAt } from '../../src/record/lab.ts';

const lab = labAt(process.argv[2] ?? '');
let claim: ExperimentClaim | null = null;

process.on('message', async (message) => {
  if (message === 'release') {
    claim?.release();
    claim = null;
    process.send?.('released');
    return;
  }
  try {
    claim = await claimExperiment(lab, 'race');
    process.send?.('passed');
  } catch (error) {
    process.send?.(error instanceof UsageError ? 'failed' : String(error));
  }
});
process.send?.('ready');
