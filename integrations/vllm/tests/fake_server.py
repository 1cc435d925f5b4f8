"""A worker and a model runner in the shapes of vLLM's, with routers that choose by token.

What they route is a function of (layer, token), so that a test can say what a row has to hold.
"""

from types import SimpleNamespace
from typing import Any

import torch

LAYERS, TOP_K, EXPERTS, CAPACITY = 3, 2, 8, 32


def choice(layer: int, token: int) -> list[int]:
    return [(token + layer) % EXPERTS, (token + layer + 3) % EXPERTS]


class Router:
    """As BaseRouter of vLLM: `select_experts` calls `_compute_routing`."""

    top_k, global_num_experts, renormalize = TOP_K, EXPERTS, False

    def __init__(self, layer: int) -> None:
        self.layer = layer

    def _compute_routing(self, tokens: list[int], logits: Any, dtype: Any) -> Any:
        weights = [[0.5, 0.25] for _ in tokens]
        ids = [choice(self.layer, token) for token in tokens]
        return torch.tensor(weights), torch.tensor(ids)

    def select_experts(self, tokens: list[int]) -> Any:
        return self._compute_routing(tokens, None, None)


class Model:
    def __init__(self) -> None:
        self.layers = [
            SimpleNamespace(layer_id=i, router=Router(i), logical_num_experts=EXPERTS)
            for i in range(LAYERS)
        ]

    def modules(self) -> list[Any]:
        return [SimpleNamespace(), *self.layers]

    def forward(self, tokens: list[int]) -> None:
        for layer in self.layers:
            layer.router.select_experts(tokens)


def config(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(
        model_config=SimpleNamespace(model="org/model", seed=0),
        scheduler_config=SimpleNamespace(max_num_batched_tokens=CAPACITY),
        parallel_config=SimpleNamespace(data_parallel_size=1),
        speculative_config=None,
        **changes,
    )


class Runner:
    """As GPUModelRunner (V1): `input_batch` holds the step that has just been executed."""

    def __init__(self, vllm_config: Any) -> None:
        self.vllm_config = vllm_config
        self.device = SimpleNamespace(type="cpu")
        self.model = Model()
        # By request: prompt and generated tokens.
        self.requests: dict[str, tuple[list[int], list[int]]] = {}

    def get_model(self) -> Model:
        return self.model

    def execute_model(self, scheduler_output: Any) -> str:
        tokens: list[int] = []
        starts, prompts = [], []
        for req_id, count in scheduler_output.num_scheduled_tokens.items():
            prompt, output = self.requests[req_id]
            start = scheduler_output.computed[req_id]
            tokens += (prompt + output)[start : start + count]
            starts.append(start)
            prompts.append(len(prompt))
        self.input_batch = SimpleNamespace(
            num_reqs=len(starts),
            req_ids=[*scheduler_output.num_scheduled_tokens, "gone"],
            num_computed_tokens_cpu=[*starts, 99],
            num_prompt_tokens=[*prompts, 99],
        )
        if tokens:
            # Padded, as for a CUDA graph of a fixed size.
            self.model.forward([*tokens, 0])
        return "output"

    def _dummy_run(self, num_tokens: int, is_profile: bool = False) -> str:
        self.model.forward([0] * num_tokens)
        return "dummy"


class Worker:
    def __init__(self, vllm_config: Any) -> None:
        self.vllm_config = vllm_config

    def init_device(self) -> None:
        self.model_runner = Runner(self.vllm_config)

    def load_model(self) -> None:
        pass

    def determine_available_memory(self) -> int:
        self.model_runner._dummy_run(CAPACITY, is_profile=True)
        return 1 << 30

    def compile_or_warm_up_model(self) -> None:
        self.model_runner._dummy_run(4)
        # Model runner V2 also warms up with requests of its own.
        self.model_runner.requests["_warmup_"] = ([1, 2, 3], [])
        self.model_runner.execute_model(step({"_warmup_": 0}, {"_warmup_": 3}))


def step(computed: dict[str, int], counts: dict[str, int], finished: set[str] | None = None) -> Any:
    """A SchedulerOutput: `computed` positions are done, `counts` more are to be computed."""
    return SimpleNamespace(
        num_scheduled_tokens=counts, computed=computed, finished_req_ids=finished or set()
    )
