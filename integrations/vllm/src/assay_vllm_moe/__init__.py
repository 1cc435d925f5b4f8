"""A vLLM general plugin that writes which experts each token was routed to.

Off unless VLLM_LOG_MOE names a file. README.md says what is written and what is relied on.
"""

import os

from .failure import log
from .settings import settings_from

__version__ = "0.1.0"


def register() -> None:
    """The entry point: vLLM calls it once in each of its processes, outside any try."""
    try:
        settings = settings_from(os.environ)
        if settings is None:
            return
        # Only a process that traces pays for the import.
        from .hooks import install

        install(settings)
    except Exception:
        log.exception("MoE routing is not traced: the plugin could not be installed")
