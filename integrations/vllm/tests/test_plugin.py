"""The whole way on stubs of vLLM: from the entry point to the file."""

import importlib
import io
import json
import logging
import os
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "src"))
sys.path.insert(0, str(HERE / "stub"))

import fake_server  # noqa: E402
from assay_vllm_moe import hooks, register  # noqa: E402
from fake_server import CAPACITY, EXPERTS, LAYERS, choice, step  # noqa: E402


class Served(unittest.TestCase):
    """A server under way: `self.worker` behind vLLM's wrapper, the log in `self.logged`."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name, "trace.jsonl")
        self.logged = io.StringIO()
        logger = logging.getLogger("vllm.assay_moe")
        handler = logging.StreamHandler(self.logged)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        self.addCleanup(logger.removeHandler, handler)

    def serve(self, vllm_config: Any = None, **env: str) -> fake_server.Worker:
        env = {"VLLM_LOG_MOE": str(self.path), "VLLM_LOG_MOE_LAYER": "all", **env}
        # A process of its own, in effect: nothing is installed yet.
        base = importlib.import_module("vllm.v1.worker.worker_base")
        self.wrapper = importlib.reload(base).WorkerWrapperBase()
        with mock.patch.dict(os.environ, env):
            register()
        self.wrapper.worker = fake_server.Worker(vllm_config or fake_server.config())
        self.finalizers: list[Any] = []
        keep = mock.patch.object(
            hooks.util, "Finalize", lambda _obj, act, **_priority: self.finalizers.append(act)
        )
        with keep:
            self.wrapper.init_device()
            self.wrapper.load_model()
        return self.wrapper.worker

    def end(self) -> list[dict[str, Any]]:
        """The lines of the trace, once the process has ended."""
        for act in self.finalizers:
            act()
        lines = self.path.read_text().splitlines()
        return [json.loads(line) for line in lines]


class Trace(Served):
    def test_is_off_without_the_variable(self) -> None:
        worker = self.serve(VLLM_LOG_MOE="")
        self.assertNotIn("load_model", vars(worker))
        self.assertNotIn("_compute_routing", vars(worker.model_runner.model.layers[0].router))

    def test_holds_requests_at_their_positions(self) -> None:
        worker = self.serve(VLLM_LOG_MOE_SEED="1234")
        runner = worker.model_runner
        runner.requests = {"a": ([10, 11, 12], [13, 14]), "b": ([20, 21], [22])}
        runner.execute_model(step({"a": 0, "b": 0}, {"a": 2, "b": 2}))
        runner.execute_model(step({"a": 2, "b": 2}, {"a": 1, "b": 1}))
        self.assertEqual(runner.execute_model(step({"a": 3}, {"a": 2}, {"b"})), "output")
        meta, *routes = self.end()
        self.assertEqual(
            meta,
            {
                "type": "meta",
                "model_id": "org/model",
                "vllm_version": "0.0-stub",
                "torch_version": meta["torch_version"],
                "device": meta["device"],
                "seed": 1234,
                "layers_logged": [0, 1, 2],
                "top_k": 2,
                "engine": "vllm",
                "engine_version": "0.0-stub",
                "num_experts": EXPERTS,
                "norm_topk_prob": False,
                "request_ids": "engine",
            },
        )
        expected = [
            {
                "type": "route",
                "req_id": req_id,
                "token_idx": at,
                "layer": layer,
                "topk_ids": choice(layer, token),
                "topk_weights": [0.5, 0.25],
                "phase": phase,
            }
            for req_id, at, token, phase in [
                ("a", 0, 10, "prefill"),
                ("a", 1, 11, "prefill"),
                ("b", 0, 20, "prefill"),
                ("b", 1, 21, "prefill"),
                ("a", 2, 12, "prefill"),
                ("b", 2, 22, "decode"),
                ("a", 3, 13, "decode"),
                ("a", 4, 14, "decode"),
            ]
            for layer in range(LAYERS)
        ]
        self.assertEqual(routes, expected)
        self.assertIn(f"{len(expected)} routes", self.logged.getvalue())

    def test_marks_what_the_server_makes_up(self) -> None:
        worker = self.serve(VLLM_LOG_MOE_LAYER="1")
        self.assertEqual(worker.determine_available_memory(), 1 << 30)
        worker.compile_or_warm_up_model()
        runner = worker.model_runner
        runner.requests = {"a": ([5], [])}
        runner.execute_model(step({"a": 0}, {"a": 1}))
        _, *routes = self.end()
        counts: dict[tuple[str, str], int] = {}
        for route in routes:
            key = (route["phase"], route["req_id"])
            counts[key] = counts.get(key, 0) + 1
        self.assertEqual(
            counts,
            {
                ("profile", "profile-0"): CAPACITY,
                ("warmup", "warmup-1"): 4,
                ("warmup", "warmup-2"): 3,
                ("prefill", "a"): 1,
            },
        )
        self.assertEqual({route["layer"] for route in routes}, {1})

    def test_writes_what_a_preempted_request_repeats_once(self) -> None:
        runner = self.serve(VLLM_LOG_MOE_LAYER="0").model_runner
        runner.requests = {"a": ([1, 2], [3])}
        runner.execute_model(step({"a": 0}, {"a": 2}))
        runner.execute_model(step({"a": 0}, {"a": 3}))
        _, *routes = self.end()
        self.assertEqual([route["token_idx"] for route in routes], [0, 1, 2])
        self.assertIn("2 routes that preempted requests repeated", self.logged.getvalue())

    def test_puts_the_label_before_request_ids(self) -> None:
        runner = self.serve(VLLM_LOG_MOE_LAYER="0", VLLM_LOG_MOE_REQ_ID="r1").model_runner
        runner.requests = {'quote"d': ([1], [])}
        runner.execute_model(step({'quote"d': 0}, {'quote"d': 1}))
        _, route = self.end()
        self.assertEqual(route["req_id"], 'r1/quote"d')

    def test_repeats_itself_byte_for_byte(self) -> None:
        texts = []
        for name in ("one.jsonl", "two.jsonl"):
            self.path = self.path.with_name(name)
            worker = self.serve()
            worker.determine_available_memory()
            worker.model_runner.requests = {"a": ([1, 2], [])}
            worker.model_runner.execute_model(step({"a": 0}, {"a": 2}))
            self.end()
            texts.append(self.path.read_bytes())
        self.assertEqual(*texts)



class Refusals(Served):
    """Whatever goes wrong, the server goes on and the log says why, once."""

    def assert_off(self, worker: fake_server.Worker, *words: str) -> None:
        runner = worker.model_runner
        runner.requests = {"a": ([1, 2], [])}
        for start in (0, 1):
            self.assertEqual(runner.execute_model(step({"a": start}, {"a": 1})), "output")
        text = self.logged.getvalue()
        self.assertEqual(text.count("MoE routing is not traced"), 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_a_parallelism_whose_rows_are_other_tokens(self) -> None:
        config = fake_server.config()
        config.parallel_config.data_parallel_size = 2
        config.speculative_config = object()
        self.assert_off(self.serve(config), "data parallelism", "speculative decoding")
        self.assertFalse(self.path.exists())

    def test_a_layer_that_is_not_there(self) -> None:
        self.assert_off(self.serve(VLLM_LOG_MOE_LAYER="7"), "layers 0 to 2")

    def test_a_file_that_is_there(self) -> None:
        self.path.write_text("precious\n")
        self.assert_off(self.serve(), "exists", "move it away")
        self.assertEqual(self.path.read_text(), "precious\n")

    def test_a_variable_that_is_nonsense(self) -> None:
        self.assert_off(self.serve(VLLM_LOG_MOE_LAYER="first"), "VLLM_LOG_MOE_LAYER=first")

    def test_layers_of_other_shapes(self) -> None:
        with mock.patch.object(fake_server.Router, "top_k", property(lambda self: 1 + self.layer)):
            self.assert_off(self.serve(), "top-k")

    def test_a_kernel_that_routes_unseen(self) -> None:
        with mock.patch.object(fake_server.Model, "forward", lambda self, tokens: None):
            self.assert_off(self.serve(), "no router was called")

    def test_one_layer_that_routes_unseen_is_left_out(self) -> None:
        def forward(self: fake_server.Model, tokens: list[int]) -> None:
            for layer in self.layers[1:]:
                layer.router.select_experts(tokens)

        with mock.patch.object(fake_server.Model, "forward", forward):
            runner = self.serve().model_runner
            runner.requests = {"a": ([1], [])}
            runner.execute_model(step({"a": 0}, {"a": 1}))
        meta, *routes = self.end()
        self.assertEqual(meta["layers_logged"], [1, 2])
        self.assertEqual([route["topk_ids"] for route in routes], [choice(1, 1), choice(2, 1)])
        self.assertIn("layers [0] are not traced", self.logged.getvalue())

    def test_fewer_rows_than_tokens(self) -> None:
        def forward(self: fake_server.Model, tokens: list[int]) -> None:
            for layer in self.layers:
                layer.router.select_experts(tokens[:1])

        worker = self.serve()
        worker.model_runner.requests = {"a": ([1, 2, 3], [])}
        with mock.patch.object(fake_server.Model, "forward", forward):
            worker.model_runner.execute_model(step({"a": 0}, {"a": 3}))
        self.assert_off(worker, "routed 1 of the 3 rows")

    def test_a_batch_that_is_not_the_schedule(self) -> None:
        worker = self.serve()
        runner = worker.model_runner
        scheduled = step({"a": 0}, {"a": 1})
        runner.requests = {"a": ([1], [])}
        forward = runner.model.forward

        def forget(tokens: list[int]) -> None:
            forward(tokens)
            runner.input_batch.req_ids[0] = "b"

        with mock.patch.object(runner.model, "forward", forget):
            runner.execute_model(scheduled)
        self.assert_off(worker, "not what was scheduled")

    def test_an_error_of_our_own(self) -> None:
        with mock.patch("assay_vllm_moe.recorder.spans_of", side_effect=KeyError("a")):
            self.assert_off(self.serve(), "KeyError", "Traceback")

    def test_an_error_of_the_server_stays_its_own(self) -> None:
        runner = self.serve().model_runner
        with self.assertRaises(KeyError):
            runner.execute_model(step({"unknown": 0}, {"unknown": 1}))
        self.assertEqual(self.logged.getvalue().count("not traced"), 0)

    def test_a_model_that_is_loaded_again(self) -> None:
        worker = self.serve()
        worker.load_model()
        self.assert_off(worker, "loaded again")


class Ranks(Served):
    def test_only_the_first_of_a_tensor_parallel_group_writes(self) -> None:
        state = importlib.import_module("vllm.distributed.parallel_state")
        with mock.patch.object(state.TENSOR, "rank_in_group", 1):
            worker = self.serve()
        self.assertEqual(self.finalizers, [])
        self.assertNotIn("execute_model", vars(worker.model_runner))

    def test_a_pipeline_stage_writes_its_own_file(self) -> None:
        state = importlib.import_module("vllm.distributed.parallel_state")
        with mock.patch.multiple(state.PIPELINE, rank_in_group=1, world_size=2):
            self.assertEqual(hooks.path_of(self.path), self.path.with_name("trace.pp1.jsonl"))


if __name__ == "__main__":
    unittest.main()
