"""What the environment asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """VLLM_LOG_MOE*, read. `layers` is None for all; `prefix` stands before every request id."""

    path: Path
    layers: frozenset[int] | None
    seed: int | None
    prefix: str


def settings_from(env: Mapping[str, str]) -> Settings | None:
    """None when tracing is off. Raises ValueError, which names the variable, for nonsense."""
    path = env.get("VLLM_LOG_MOE", "").strip()
    if path in ("", "0"):
        return None
    req_id = env.get("VLLM_LOG_MOE_REQ_ID", "").strip()
    return Settings(
        path=Path(path),
        layers=_layers(env.get("VLLM_LOG_MOE_LAYER", "")),
        seed=_integer("VLLM_LOG_MOE_SEED", env.get("VLLM_LOG_MOE_SEED", "")),
        prefix=f"{req_id}/" if req_id else "",
    )


def _layers(text: str) -> frozenset[int] | None:
    """`0` (the default), `0,5`, `0-3`, `all`."""
    if text.strip() == "all":
        return None
    chosen: set[int] = set()
    for part in (text.strip() or "0").split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            raise ValueError(
                f"VLLM_LOG_MOE_LAYER={text}: write 0, or 0,5, or 0-3, or all"
            ) from None
        chosen.update(range(low, high + 1))
    return frozenset(chosen)


def _integer(name: str, text: str) -> int | None:
    if text.strip() == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name}={text}: not an integer") from None
