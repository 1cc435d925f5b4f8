/** Servers that shared a load: how evenly it was spread. */
import type { Finding } from '../record/schema.ts';
import type { Fleet, LogFile } from './log-index.ts';

/** More than this times as many requests on one server as on another is worth a word. */
const UNEVEN = 1.5;

export function findFleets(files: readonly LogFile[]): Fleet[] {
  const groups = new Map<string, LogFile[]>();
  for (const file of files) {
    if (file.facts['access-log.served'] === undefined && !file.dialects.includes('vllm')) continue;
    const name = fleetName(file.path);
    if (name === null) continue;
    const members = groups.get(name);
    if (members) members.push(file);
    else groups.set(name, [file]);
  }
  return [...groups].flatMap(([name, members]) =>
    members.length > 1 ? [fleet(name, members)] : [],
  );
}

/** `server/vllm_gpu0.log` → `server/vllm_gpu#.log`; null without a number. */
function fleetName(path: string): string | null {
  const at = path.lastIndexOf('/') + 1;
  const name = path.slice(at).replace(/\d+(?!.*\d)/, '#');
  return name === path.slice(at) ? null : path.slice(0, at) + name;
}

function fleet(name: string, members: readonly LogFile[]): Fleet {
  const servers = members.map(({ path, facts }) => ({
    path,
    requests: Number(facts['access-log.served']?.value ?? 0),
  }));
  const counts = servers.map(({ requests }) => requests);
  const requests = counts.reduce((sum, n) => sum + n, 0);
  const squares = counts.reduce((sum, n) => sum + n * n, 0);
  const least = Math.min(...counts);
  return {
    name,
    servers,
    requests,
    maxOverMin: least === 0 ? null : Math.max(...counts) / least,
    // Nobody had any: evenly nothing.
    jain: squares === 0 ? 1 : requests ** 2 / (counts.length * squares),
  };
}

export function fleetFindings(fleets: readonly Fleet[]): Finding[] {
  return fleets.flatMap(({ name, maxOverMin, requests, servers }): Finding[] => {
    if (requests === 0 || (maxOverMin !== null && maxOverMin <= UNEVEN)) return [];
    const counts = servers.map((server) => server.requests).join(', ');
    const message = `${name}: the load was spread unevenly: ${counts} requests`;
    return [{ code: 'uneven-fleet', severity: 'warning', message, place: name }];
  });
}
