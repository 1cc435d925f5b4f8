"""Settings, batches, and the writer by itself."""

import json
import os
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "src"))

from assay_vllm_moe import writer as writing  # noqa: E402
from assay_vllm_moe.failure import CannotTrace, log  # noqa: E402
from assay_vllm_moe.settings import settings_from  # noqa: E402
from assay_vllm_moe.steps import Span, spans_of  # noqa: E402


class Settings(unittest.TestCase):
    def test_is_off_by_default(self) -> None:
        for env in ({}, {"VLLM_LOG_MOE": ""}, {"VLLM_LOG_MOE": "0"}, {"VLLM_LOG_MOE_LAYER": "x"}):
            self.assertIsNone(settings_from(env))

    def test_layers(self) -> None:
        for text, layers in (
            ("", {0}),
            ("5", {5}),
            ("0,5", {0, 5}),
            ("2-4, 9", {2, 3, 4, 9}),
            ("all", None),
        ):
            settings = settings_from({"VLLM_LOG_MOE": "a", "VLLM_LOG_MOE_LAYER": text})
            assert settings is not None
            self.assertEqual(settings.layers, layers)

    def test_names_the_variable_that_is_nonsense(self) -> None:
        for name, text in (("LAYER", "a-b"), ("LAYER", "-1"), ("SEED", "1.5")):
            with self.assertRaisesRegex(ValueError, f"VLLM_LOG_MOE_{name}={text}"):
                settings_from({"VLLM_LOG_MOE": "a", f"VLLM_LOG_MOE_{name}": text})


class Picked(list):  # type: ignore[type-arg]
    """Indexed by a list, as numpy arrays are."""

    def __getitem__(self, key: Any) -> Any:
        return [list.__getitem__(self, i) for i in key]


class Batches(unittest.TestCase):
    def test_of_model_runner_v2_keep_the_order_of_their_rows(self) -> None:
        batch = SimpleNamespace(
            req_ids=["b", "a"],
            idx_mapping_np=[2, 0],
            num_computed_tokens_np=[7, 0],
            num_scheduled_tokens=[1, 2],
        )
        runner = SimpleNamespace(
            req_states=SimpleNamespace(prompt_len=SimpleNamespace(np=Picked([2, 99, 5]))),
            execute_model_state=SimpleNamespace(input_batch=batch),
        )
        self.assertEqual(
            spans_of(runner, {"a": 2, "b": 1}), [Span("b", 7, 1, 5), Span("a", 0, 2, 2)]
        )
        with self.assertRaises(CannotTrace):
            spans_of(runner, {"a": 2, "b": 2})


class Rows:
    """Stands for a tensor of 4-byte values on the host."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows, self.shape = rows, (len(rows),)

    def __getitem__(self, key: Any) -> "Rows":
        return Rows([[row[i] for i in key[1]] for row in self.rows])

    def tolist(self) -> list[Any]:
        return self.rows

    def numel(self) -> int:
        return sum(len(chosen) for row in self.rows for chosen in row)

    def element_size(self) -> int:
        return 4


def step(ids: Any, weights: Any, *, start: int = 0, ready: Any = None) -> writing.Step:
    span = Span("a", start, len(ids), 1)
    return writing.Step([span], None, Rows(ids), Rows(weights), [0], ready, [])


class Writer(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "new", "trace.jsonl")

    def open(self) -> writing.Writer:
        return writing.Writer(self.path, {"type": "meta"}, [4], "")

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def test_gives_float32_back_exactly_and_writes_no_nan(self) -> None:
        third = 0.3333333432674408
        writer = self.open()
        writer.put(step([[[1, 2]]], [[[third, float("nan")]]]))
        writer.close()
        shares = self.lines()[1]["topk_weights"]
        self.assertEqual(shares, [0.333333343, None])
        self.assertAlmostEqual(shares[0], third, delta=2**-27)

    def test_counts_what_it_drops(self) -> None:
        gate = threading.Event()
        ready = SimpleNamespace(synchronize=gate.wait)
        writer = self.open()
        with mock.patch.object(writing, "QUEUE_BYTES", 20), self.assertLogs(log) as logged:
            for start in range(3):
                writer.put(step([[[1, 2]]], [[[0.5, 0.5]]], start=start, ready=ready))
            gate.set()
            writer.close()
        self.assertEqual(len(self.lines()), 2)
        self.assertIn("lacks 2 routes of 2 steps", "\n".join(logged.output))

    def test_leaves_whole_lines_when_the_disk_is_full(self) -> None:
        write = os.write
        writer = self.open()
        writer.put(step([[[1, 2]]], [[[0.5, 0.5]]]))

        def half(file: int, data: bytes) -> int:
            if len(data) < 60:
                raise OSError(28, "No space left on device")
            return write(file, data[: len(data) - 50])

        while len(self.path.read_text().splitlines()) < 2:
            pass
        with mock.patch.object(writing.os, "write", half), self.assertLogs(log) as logged:
            writer.put(step([[[3, 4]]], [[[0.5, 0.5]]], start=1))
            writer.put(step([[[5, 6]]], [[[0.5, 0.5]]], start=2))
            writer.close()
        self.assertEqual([line.get("topk_ids") for line in self.lines()], [None, [1, 2]])
        self.assertEqual(sum("No space left" in line for line in logged.output), 1)

    def test_refuses_a_file_that_is_there(self) -> None:
        self.open().close()
        with self.assertRaisesRegex(CannotTrace, "exists"):
            self.open()


if __name__ == "__main__":
    unittest.main()
