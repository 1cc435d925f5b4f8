"""Against the classes of the installed vLLM, whatever its version; no GPU is needed.

Real here: the plugin loader, WorkerWrapperBase, a router, SchedulerOutput, and the input batches
of both model runners. Made up: the worker and the runner that hold them, whose model is one
router. Skipped, with a printed reason, where vLLM is not installed.
"""

import inspect
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "src"))

try:
    import torch
    import vllm
except ImportError as missing:
    print(f"skipped: {missing}")
    raise unittest.SkipTest(str(missing)) from missing

if not torch.cuda.is_available():
    # A build for GPUs pins memory of the host, which takes a driver.
    from vllm.platforms.interface import Platform

    Platform.is_pin_memory_available = classmethod(lambda _cls: False)

from vllm.config import DeviceConfig, VllmConfig  # noqa: E402
from vllm.model_executor.layers.fused_moe.router.custom_routing_router import (  # noqa: E402
    CustomRoutingRouter,
)
from vllm.v1.core.sched.output import SchedulerOutput  # noqa: E402
from vllm.v1.worker.gpu_input_batch import CachedRequestState, InputBatch  # noqa: E402
from vllm.v1.worker.gpu_model_runner import GPUModelRunner  # noqa: E402
from vllm.v1.worker.worker_base import WorkerBase, WorkerWrapperBase  # noqa: E402

from assay_vllm_moe import hooks, register  # noqa: E402
from assay_vllm_moe.layers import obstacles  # noqa: E402
from assay_vllm_moe.steps import Span, spans_of  # noqa: E402

print(f"vLLM {vllm.__version__}, PyTorch {torch.__version__}")
EXPERTS, TOP_K = 8, 2


def default_config() -> VllmConfig:
    """A build for GPUs does not guess a device where there is none."""
    return VllmConfig(device_config=DeviceConfig(device="cpu"))


def called(function: Any, **known: Any) -> Any:
    """`function` with those of `known` that this version has, and EPLB off if it asks."""
    names = inspect.signature(function).parameters
    return function(**{name: value for name, value in known.items() if name in names})


def route(hidden_states: Any, gating_output: Any, topk: int, renormalize: bool) -> Any:
    return torch.softmax(gating_output, -1).topk(topk, -1)


def real_router() -> CustomRoutingRouter:
    from vllm.distributed.eplb.eplb_state import EplbLayerState

    asks = "enable_eplb" in inspect.signature(CustomRoutingRouter.__init__).parameters
    return called(
        CustomRoutingRouter,
        top_k=TOP_K,
        global_num_experts=EXPERTS,
        eplb_state=EplbLayerState() if asks else None,
        custom_routing_function=route,
        renormalize=False,
    )


def real_batch(requests: list[tuple[str, int, int]]) -> InputBatch:
    """Of model runner V1: (request, tokens of its prompt, positions that are computed)."""
    batch = called(
        InputBatch,
        max_num_reqs=4,
        max_model_len=64,
        max_num_batched_tokens=64,
        device=torch.device("cpu"),
        pin_memory=False,
        vocab_size=32,
        block_sizes=[16],
        kernel_block_sizes=[16],
        max_num_blocks_per_req=[4],
    )
    for req_id, prompt, computed in requests:
        request = called(
            CachedRequestState,
            req_id=req_id,
            prompt_token_ids=list(range(prompt)),
            mm_features=[],
            sampling_params=vllm.SamplingParams(),
            pooling_params=None,
            generator=None,
            block_ids=([0],),
            num_computed_tokens=computed,
            output_token_ids=[1] * max(0, computed + 1 - prompt),
        )
        batch.add_request(request)
    return batch


def scheduled(counts: dict[str, int]) -> SchedulerOutput:
    output = SchedulerOutput.make_empty()
    output.num_scheduled_tokens = counts
    output.total_num_scheduled_tokens = sum(counts.values())
    return output


class Runner:
    """`logits` of the tokens of a step go through the router, as a layer would send them."""

    def __init__(self, config: Any) -> None:
        self.vllm_config, self.device = config, torch.device("cpu")
        self.layer = SimpleNamespace(layer_id=0, router=real_router(), logical_num_experts=EXPERTS)
        self.logits = torch.zeros(0, EXPERTS)

    def get_model(self) -> Any:
        return SimpleNamespace(modules=lambda: [self.layer])

    def execute_model(self, scheduler_output: Any) -> Any:
        hidden = torch.zeros(len(self.logits), 4)
        return self.layer.router.select_experts(hidden, self.logits)

    def _dummy_run(self, num_tokens: int, is_profile: bool = False) -> None:
        logits = torch.zeros(num_tokens, EXPERTS)
        self.layer.router.select_experts(torch.zeros(num_tokens, 4), logits)


class Worker(WorkerBase):
    def __init__(self, runner: Runner) -> None:
        self.model_runner = runner  # type: ignore[assignment]

    def init_device(self) -> None:
        pass

    def load_model(self) -> None:
        pass

    def determine_available_memory(self) -> int:
        self.model_runner._dummy_run(3, is_profile=True)
        return 0


class Installed(unittest.TestCase):
    def test_traces_through_the_wrapper_that_executors_use(self) -> None:
        config = SimpleNamespace(
            model_config=SimpleNamespace(model="org/model", seed=7),
            scheduler_config=SimpleNamespace(max_num_batched_tokens=16),
            parallel_config=SimpleNamespace(),
        )
        runner = Runner(config)
        group = SimpleNamespace(rank_in_group=0, world_size=1)
        finalizers: list[Any] = []
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict(os.environ, {"VLLM_LOG_MOE": f"{folder}/trace.jsonl"}),
            mock.patch("vllm.distributed.parallel_state.get_tp_group", lambda: group),
            mock.patch("vllm.distributed.parallel_state.get_pp_group", lambda: group),
            mock.patch.object(hooks.util, "Finalize", lambda _o, act, **_p: finalizers.append(act)),
            mock.patch.object(WorkerWrapperBase, "init_device", WorkerWrapperBase.init_device),
        ):
            register()
            wrapper = WorkerWrapperBase()
            wrapper.vllm_config = default_config()
            wrapper.worker = Worker(runner)
            wrapper.init_device()
            wrapper.load_model()
            wrapper.determine_available_memory()
            runner.input_batch = real_batch([("a", 3, 0), ("b", 2, 4)])
            runner.logits = torch.randn(4, EXPERTS, generator=torch.Generator().manual_seed(1))
            weights, ids = runner.execute_model(scheduled({"a": 3, "b": 1}))
            finalizers[0]()
            lines = Path(folder, "trace.jsonl").read_text().splitlines()
        meta, *routes = [json.loads(line) for line in lines]
        self.assertEqual(meta["vllm_version"], vllm.__version__)
        self.assertEqual((meta["top_k"], meta["num_experts"], meta["seed"]), (TOP_K, EXPERTS, 7))
        self.assertIs(meta["norm_topk_prob"], False)
        phases = ["profile"] * 3 + ["prefill"] * 3 + ["decode"]
        self.assertEqual([r["phase"] for r in routes], phases)
        real = routes[3:]
        tokens = [(r["req_id"], r["token_idx"]) for r in real]
        self.assertEqual(tokens, [("a", 0), ("a", 1), ("a", 2), ("b", 4)])
        self.assertEqual([r["topk_ids"] for r in real], ids.tolist())
        self.assertEqual(torch.tensor([r["topk_weights"] for r in real]).tolist(), weights.tolist())

    def test_is_found_by_the_loader_of_plugins(self) -> None:
        from importlib.metadata import entry_points

        from vllm.plugins import DEFAULT_PLUGINS_GROUP, load_plugins_by_group

        if not [e for e in entry_points(group=DEFAULT_PLUGINS_GROUP) if e.name == "assay_moe"]:
            print("skipped: the package is not installed, only on the path")
            self.skipTest("not installed")
        self.assertIs(load_plugins_by_group(DEFAULT_PLUGINS_GROUP)["assay_moe"], register)

    def test_model_runners_have_what_is_relied_on(self) -> None:
        runners = [GPUModelRunner]
        try:
            from vllm.v1.worker.gpu.model_runner import GPUModelRunner as V2

            runners.append(V2)
        except ImportError as missing:
            print(f"model runner V2 cannot be imported: {missing}")
        for runner in runners:
            self.assertTrue(callable(runner.get_model))
            first = list(inspect.signature(runner.execute_model).parameters)[1]
            self.assertEqual(first, "scheduler_output")
            self.assertEqual(list(inspect.signature(runner._dummy_run).parameters)[1], "num_tokens")

    def test_the_default_configuration_has_no_obstacle(self) -> None:
        self.assertEqual(obstacles(default_config()), [])

    def test_the_batch_of_model_runner_v2(self) -> None:
        try:
            from vllm.v1.worker.gpu.input_batch import InputBatch as BatchV2
        except ImportError as missing:
            print(f"skipped: {missing}")
            self.skipTest(str(missing))
        import dataclasses

        import numpy as np

        fields = {field.name: None for field in dataclasses.fields(BatchV2)}
        if "num_computed_tokens_np" not in fields:
            reason = f"its batch in vLLM {vllm.__version__} has no positions on the host"
            print(f"skipped: {reason}: model runner V2 is not traced there")
            self.skipTest(reason)
        rows = {
            "req_ids": ["b", "a"],
            "idx_mapping_np": np.array([2, 0]),
            "num_computed_tokens_np": np.array([7, 0]),
            "num_scheduled_tokens": np.array([1, 2], dtype=np.int32),
        }
        batch = BatchV2(**{**fields, **rows})
        runner = SimpleNamespace(
            req_states=SimpleNamespace(prompt_len=SimpleNamespace(np=np.array([2, 99, 5]))),
            execute_model_state=SimpleNamespace(input_batch=batch),
        )
        spans = spans_of(runner, {"a": 2, "b": 1})
        self.assertEqual(spans, [Span("b", 7, 1, 5), Span("a", 0, 2, 2)])


if __name__ == "__main__":
    unittest.main()
