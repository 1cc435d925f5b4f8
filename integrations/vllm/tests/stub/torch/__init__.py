"""As much of PyTorch as the recorder calls, on nested lists, so that its tests need no PyTorch."""

from types import SimpleNamespace
from typing import Any

__version__ = "0.0-stub"
int32, float32 = SimpleNamespace(itemsize=4), SimpleNamespace(itemsize=4)
cuda = SimpleNamespace()
compiler = SimpleNamespace(is_compiling=lambda: False)
device = SimpleNamespace


class Tensor:
    """A view: rows share their storage with what they were sliced from."""

    def __init__(self, rows: list[Any], dtype: Any = float32) -> None:
        self.rows, self.dtype = rows, dtype

    @property
    def shape(self) -> tuple[int, ...]:
        dims, rows = [], self.rows
        while isinstance(rows, list):
            dims.append(len(rows))
            rows = rows[0] if rows else None
        return tuple(dims)

    def __getitem__(self, key: Any) -> "Tensor":
        first, *rest = key if isinstance(key, tuple) else (key,)
        rows = self.rows[first]
        if not rest:
            return Tensor(rows, self.dtype)
        at = rest[0]
        if isinstance(at, list):
            return Tensor([[row[i] for i in at] for row in rows], self.dtype)
        return Tensor([row[at] for row in rows], self.dtype)

    def copy_(self, other: "Tensor") -> "Tensor":
        if self.shape != other.shape:
            raise RuntimeError(f"{self.shape} is not {other.shape}")
        for mine, theirs in zip(self.rows, other.rows):
            mine[:] = theirs
        return self

    def clone(self) -> "Tensor":
        return Tensor(_copied(self.rows), self.dtype)

    def tolist(self) -> list[Any]:
        return self.rows

    def numel(self) -> int:
        count = 1
        for dim in self.shape:
            count *= dim
        return count

    def element_size(self) -> int:
        return self.dtype.itemsize


def tensor(rows: list[Any], dtype: Any = float32) -> Tensor:
    return Tensor(rows, dtype)


def zeros(shape: tuple[int, ...], dtype: Any, device: Any) -> Tensor:
    return Tensor(_filled(shape), dtype)


def _filled(shape: tuple[int, ...]) -> Any:
    return [_filled(shape[1:]) for _ in range(shape[0])] if shape else 0


def _copied(rows: Any) -> Any:
    return [_copied(row) for row in rows] if isinstance(rows, list) else rows
