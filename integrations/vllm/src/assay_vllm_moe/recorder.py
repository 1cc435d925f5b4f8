"""Routing on the device: one buffer that every pass overwrites, copied out after each step.

What a router chose is copied inside the forward pass, on the device, so that the copy is part of
any CUDA graph captured from it: replaying the graph runs no Python, but fills the buffer all the
same.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch

from .failure import CannotTrace, Switch, log
from .layers import Layer
from .steps import Span, spans_of
from .writer import Step, Writer


class Recorder:
    """`capacity`: the most rows of a pass. `open_writer` gets the layers whose routing was seen."""

    def __init__(
        self,
        layers: list[Layer],
        capacity: int,
        device: torch.device,
        open_writer: Callable[[list[int]], Writer],
    ) -> None:
        self.switch = Switch()
        self._layers = layers
        self._open_writer = open_writer
        self._writer: Writer | None = None
        # Of the buffer, those whose routing is seen.
        self._columns: list[int] = []
        shape = (capacity, len(layers), layers[0].top_k)
        self._ids = torch.zeros(shape, dtype=torch.int32, device=device)
        self._weights = torch.zeros(shape, dtype=torch.float32, device=device)
        self._is_cuda = device.type == "cuda"
        # Rows that routers were called with in this pass, by column; a replayed graph calls none.
        self._called: dict[int, int] = {}
        self._is_capture = False
        self._captures = 0
        self._dummies = 0
        self._finished: list[str] = []
        for column, layer in enumerate(layers):
            self._listen(column, layer.router)

    def _listen(self, column: int, router: Any) -> None:
        """Wraps a method of this one object: classes and installed files stay as they are.

        `_compute_routing` is where logical experts are chosen; what follows in `select_experts`
        may map them to replicas.
        """
        compute = router._compute_routing

        def compute_routing(*args: Any, **kwargs: Any) -> Any:
            weights, ids = compute(*args, **kwargs)
            # A compiler that traces through Python (on CPUs) must see nothing here.
            if not torch.compiler.is_compiling():
                self.switch.guard(self._record, column, weights, ids)
            return weights, ids

        router._compute_routing = compute_routing

    def _record(self, column: int, weights: torch.Tensor, ids: torch.Tensor) -> None:
        rows, k = ids.shape[0], self._ids.shape[2]
        # Fused shared experts stand behind the routed ones.
        self._ids[:rows, column].copy_(ids[:, :k])
        self._weights[:rows, column].copy_(weights[:, :k])
        self._called[column] = rows
        if self._is_cuda and torch.cuda.is_current_stream_capturing():
            self._is_capture = True

    def begin(self) -> None:
        """Before a pass."""
        self._called = {}
        self._is_capture = False

    def end_dummy(self, phase: str, rows: int) -> None:
        """After a pass over made-up tokens. A captured one computed nothing: it has no rows."""
        if self._is_capture:
            self._captures += 1
            return
        count = min([rows, *self._called.values()])
        span = Span(f"{phase}-{self._dummies}", start=0, count=count, prompt=0)
        self._dummies += 1
        # Captures of CUDA graphs follow, during which no other thread may ask the device anything.
        self._put([span], phase, waits=True)

    def end_step(self, runner: Any, scheduled: dict[str, int], finished: Iterable[str]) -> None:
        """After a step of the scheduler."""
        self._finished.extend(finished)
        if scheduled:
            self._put(spans_of(runner, scheduled), None, waits=False)

    def _put(self, spans: list[Span], phase: str | None, *, waits: bool) -> None:
        writer = self._writer or self._start()
        rows = sum(span.count for span in spans)
        for column in self._columns:
            called = self._called.get(column, rows)
            if called < rows:
                index = self._layers[column].index
                raise CannotTrace(f"layer {index} routed {called} of the {rows} rows of a pass")
        ids = self._copied(self._ids[:rows], waits)
        weights = self._copied(self._weights[:rows], waits)
        ready = None
        if self._is_cuda and not waits:
            ready = torch.cuda.Event(blocking=True)
            ready.record()
        writer.put(Step(spans, phase, ids, weights, self._columns, ready, self._finished))
        self._finished = []

    def _copied(self, rows: torch.Tensor, waits: bool) -> torch.Tensor:
        if not self._is_cuda:
            return rows.clone()
        if waits:
            return rows.cpu()
        host = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
        return host.copy_(rows, non_blocking=True)

    def _start(self) -> Writer:
        """After the first pass: a kernel that routes by itself calls no router."""
        if not self._called:
            raise CannotTrace("no router was called: compiled or monolithic kernels route unseen")
        self._columns = sorted(self._called)
        unseen = [layer.index for c, layer in enumerate(self._layers) if c not in self._called]
        if unseen:
            log.warning("layers %s are not traced: a monolithic kernel routes unseen", unseen)
        self._writer = self._open_writer([self._layers[c].index for c in self._columns])
        return self._writer

    def close(self) -> None:
        """Writes what waits, and logs what was written, dropped and left out."""
        if self._captures:
            log.info("%d captures of CUDA graphs computed nothing: no rows", self._captures)
        if self._writer is not None:
            self._writer.close()
