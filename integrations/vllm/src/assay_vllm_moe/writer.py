"""Lines on disk, off the hot path: a thread, a bounded queue, every drop counted and said."""

import json
import math
import os
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failure import CannotTrace, Switch, log
from .steps import Span

# Bytes of routing that may wait for the disk; what comes on top is dropped, and counted.
QUEUE_BYTES = 256 << 20
CLOSE_SECONDS = 30.0


@dataclass(frozen=True)
class Step:
    """A pass on its way to disk. `ids` and `weights`: [rows, layers, k], on the host once `ready`.

    `phase` is None for requests, whose rows are prefill or decode by their position. `finished`:
    requests of which nothing more comes.
    """

    spans: list[Span]
    phase: str | None
    ids: Any
    weights: Any
    columns: list[int]
    ready: Any
    finished: list[str]

    @property
    def nbytes(self) -> int:
        return self.ids.numel() * (self.ids.element_size() + self.weights.element_size())


class Writer:
    """Writes `meta`, then the rows of steps, to a file that must not exist yet.

    `layers[i]` is the model's layer of a step's `columns[i]`. Only whole lines are written, so
    that a killed server leaves whole lines. Raises CannotTrace when the file exists.
    """

    def __init__(self, path: Path, meta: dict[str, Any], layers: list[int], prefix: str) -> None:
        self._path = path
        self._layers = layers
        self._prefix = prefix
        self._switch = Switch()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            raise CannotTrace(f"{path} exists: move it away, or name another file") from None
        self._size = 0
        self._write(json.dumps(meta) + "\n")
        self._queue: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._dropped_steps = 0
        self._dropped_routes = 0
        self._written = 0
        self._repeated = 0
        # By request: the first position that has no routes yet.
        self._next: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="assay-moe-writer", daemon=True)
        self._thread.start()

    def put(self, step: Step) -> None:
        """Never waits."""
        with self._lock:
            fits = self._waiting_bytes + step.nbytes <= QUEUE_BYTES
            if fits:
                self._waiting_bytes += step.nbytes
        if fits:
            self._queue.put(step)
            return
        if self._dropped_steps == 0:
            log.warning("the disk is too slow for the MoE trace: steps are dropped, and counted")
        self._dropped_steps += 1
        self._dropped_routes += step.ids.shape[0] * len(self._layers)

    def close(self) -> None:
        """Waits for the queue, at most CLOSE_SECONDS, and logs the totals."""
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)
        log.info("MoE trace %s: %d routes", self._path, self._written)
        if self._repeated:
            log.info("%d routes that preempted requests repeated: left out", self._repeated)
        if self._dropped_steps:
            steps, routes = self._dropped_steps, self._dropped_routes
            log.error("the MoE trace lacks %d routes of %d steps: dropped", routes, steps)
        if self._thread.is_alive():
            log.error("the MoE trace lacks its end: the disk took too long")

    def _run(self) -> None:
        while (step := self._queue.get()) is not None:
            self._switch.guard(self._write_step, step)
            with self._lock:
                self._waiting_bytes -= step.nbytes
        os.close(self._file)

    def _write_step(self, step: Step) -> None:
        if step.ready is not None:
            step.ready.synchronize()
        ids = step.ids[:, step.columns].tolist()
        weights = step.weights[:, step.columns].tolist()
        lines: list[str] = []
        row = 0
        for span in step.spans:
            req_id = json.dumps(self._prefix + span.req_id)
            first = 0 if step.phase else self._next.get(span.req_id, 0)
            end = span.start + span.count
            for position in range(span.start, end):
                # A request that was preempted is computed again from its beginning.
                if position < first:
                    self._repeated += len(self._layers)
                else:
                    phase = step.phase or ("prefill" if position < span.prompt else "decode")
                    for layer, chosen, shares in zip(self._layers, ids[row], weights[row]):
                        lines.append(_line(req_id, position, layer, chosen, shares, phase))
                row += 1
            if step.phase is None:
                self._next[span.req_id] = max(first, end)
        for req_id in step.finished:
            self._next.pop(req_id, None)
        self._write("".join(lines))
        self._written += len(lines)

    def _write(self, text: str) -> None:
        """All of it, or (a full disk) nothing."""
        data = text.encode()
        try:
            done = 0
            while done < len(data):
                done += os.write(self._file, data[done:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)


def _line(
    req_id: str, position: int, layer: int, ids: list[int], weights: list[float], phase: str
) -> str:
    """Nine digits give a float32 back exactly; JSON has no NaN."""
    shares = ", ".join(f"{weight:.9g}" if math.isfinite(weight) else "null" for weight in weights)
    return (
        f'{{"type": "route", "req_id": {req_id}, "token_idx": {position}, "layer": {layer}, '
        f'"topk_ids": {ids}, "topk_weights": [{shares}], "phase": "{phase}"}}\n'
    )
