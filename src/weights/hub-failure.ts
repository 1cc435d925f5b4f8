/** What a hub's HTTP status means for the user. */
import { type AssayError, EngineError, UsageError } from '../record/errors.ts';

/** Message, hint and exit code for a status; never holds the token, which is only in headers. */
export function hubFailure(
  what: string,
  { url, status }: { url: string; status: number },
): AssayError {
  const details = { url, status, retryable: status === 429 || status >= 500 };
  if (status === 401 || status === 403) {
    return new EngineError(`${what}: the hub refuses access (HTTP ${status})`, {
      hint:
        'the model is gated, private, or does not exist: check its name, accept its terms on the ' +
        'hub, and set HF_TOKEN to a token that may read it',
      details,
    });
  }
  if (status === 404) {
    return new UsageError(`${what}: not found on the hub (HTTP 404)`, {
      hint: 'check the name and the revision; for a private model set HF_TOKEN',
      details,
    });
  }
  return new EngineError(`${what}: the hub answered HTTP ${status}`, {
    hint: 'try again later; what has arrived is kept',
    details,
  });
}
