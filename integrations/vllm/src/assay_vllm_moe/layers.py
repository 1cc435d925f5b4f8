"""The mixture-of-experts layers of a loaded model, and what cannot be traced."""

from dataclasses import dataclass
from typing import Any

from .failure import CannotTrace


@dataclass(frozen=True)
class Layer:
    """A layer whose routing can be seen."""

    index: int
    router: Any
    top_k: int
    experts: int
    # Whether the weights of the chosen experts are made to sum to 1; None: the router has no word.
    normalized: bool | None


def layers_of(model: Any, chosen: frozenset[int] | None) -> list[Layer]:
    """By what they offer, not by class: vLLM 0.15 has FusedMoE layers, 0.33 MoERunner ones.

    Both hold a `router` (a BaseRouter) and a `layer_id`. Raises CannotTrace when there is no layer
    to trace, or when they differ in top-k or experts, which one trace cannot say.
    """
    found: dict[int, Layer] = {}
    for module in model.modules():
        router = getattr(module, "router", None)
        if not callable(getattr(router, "_compute_routing", None)) or not _has(module, "layer_id"):
            continue
        index = int(module.layer_id)
        if index not in found:
            found[index] = Layer(
                index=index,
                router=router,
                top_k=int(router.top_k),
                experts=_experts(module, router),
                normalized=_normalized(module, router),
            )
    layers = [found[i] for i in sorted(found) if chosen is None or i in chosen]
    if not layers:
        known = f"it has {_ranges(found)}" if found else "it has none that vLLM routes"
        raise CannotTrace(f"the model has no such mixture-of-experts layer: {known}")
    shapes = {(layer.top_k, layer.experts, layer.normalized) for layer in layers}
    if len(shapes) > 1:
        raise CannotTrace(
            f"layers differ in (top-k, experts, normalized): {sorted(map(str, shapes))}; "
            "choose alike ones with VLLM_LOG_MOE_LAYER"
        )
    return layers


def obstacles(config: Any) -> list[str]:
    """Of a VllmConfig: what makes the rows of a pass other than the tokens of its schedule."""
    parallel = config.parallel_config
    found = []
    if getattr(parallel, "data_parallel_size", 1) > 1:
        found.append("data parallelism")
    if getattr(parallel, "prefill_context_parallel_size", 1) > 1:
        found.append("prefill context parallelism")
    if getattr(parallel, "use_ubatching", False) or getattr(parallel, "enable_dbo", False):
        found.append("dual batch overlap")
    if getattr(parallel, "use_sequence_parallel_moe", False):
        found.append("sequence parallelism of experts")
    if getattr(config, "speculative_config", None) is not None:
        found.append("speculative decoding (which drafts are accepted is known only later)")
    if getattr(getattr(config, "cache_config", None), "kv_sharing_fast_prefill", False):
        found.append("fast prefill of shared KV")
    return found


def _has(module: Any, name: str) -> bool:
    try:
        return getattr(module, name, None) is not None
    except Exception:
        # `layer_id` is a property that raises for a name without a number.
        return False


def _experts(module: Any, router: Any) -> int:
    """Logical experts: replicas of a load balancer are not further ones."""
    for owner, name in (
        (module, "logical_num_experts"),
        (getattr(module, "moe_config", None), "num_logical_experts"),
        (router, "global_num_experts"),
    ):
        count = getattr(owner, name, None)
        if count:
            return int(count)
    raise CannotTrace("a router does not tell its number of experts")


def _normalized(module: Any, router: Any) -> bool | None:
    for owner in (router, module):
        flag = getattr(owner, "renormalize", None)
        if flag is not None:
            return bool(flag)
    return None


def _ranges(indices: Any) -> str:
    ordered = sorted(indices)
    return f"layers {ordered[0]} to {ordered[-1]}" if len(ordered) > 1 else f"layer {ordered[0]}"
