"""A trace that fails ends itself, never the server: said once, then silence."""

import logging
from collections.abc import Callable
from typing import Any

# Below "vllm", whose handlers show it beside the server's own lines.
log = logging.getLogger("vllm.assay_moe")


class CannotTrace(Exception):
    """Expected, with a message that says all: it is logged without a traceback."""


class Switch:
    """On until the first failure."""

    def __init__(self) -> None:
        self.on = True

    def guard(self, act: Callable[..., Any], *args: Any) -> Any:
        """`act(*args)` while on; what it raises turns the switch off. None when it did not run."""
        if not self.on:
            return None
        try:
            return act(*args)
        except Exception as error:
            self.on = False
            if isinstance(error, CannotTrace):
                log.error("MoE routing is not traced: %s", error)
            else:
                log.exception("MoE routing is not traced any more")
            return None
