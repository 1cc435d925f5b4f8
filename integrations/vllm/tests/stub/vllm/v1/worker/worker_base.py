"""Every executor talks to its worker through this wrapper."""

from typing import Any


class WorkerWrapperBase:
    worker: Any

    def init_device(self) -> None:
        self.worker.init_device()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.worker, name)
