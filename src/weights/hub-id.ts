/** Names of models on a hub: `org/name` or `org/name@revision`. */
import { UsageError } from '../record/errors.ts';

export interface HubId {
  /** `org/name`. */
  readonly name: string;
  /** Branch, tag or commit; `main` unless given. */
  readonly revision: string;
}

const PART = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
const HUB_ID = new RegExp(`^(${PART}/${PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{0,199}))?$`);

/** True if the text can name a model on a hub. It can name a directory too: look there first. */
export function isHubId(text: string): boolean {
  // Both become parts of paths in the cache.
  return HUB_ID.test(text) && !/\.\.|--|\/\/|\/$|\.git$/.test(text);
}

/** @throws UsageError */
export function parseHubId(text: string): HubId {
  const match = isHubId(text) ? HUB_ID.exec(text) : null;
  if (match === null) {
    throw new UsageError(`"${text}" is not a model of a hub`, {
      hint: 'write org/name or org/name@revision, or the path of a directory',
      details: { got: text },
    });
  }
  return { name: match[1]!, revision: match[2] ?? 'main' };
}
