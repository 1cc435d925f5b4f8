"""Whose tokens the rows of a forward pass are.

Both model runners of vLLM keep the batch on the host in the order of its rows, so that nothing
here waits for the device.
"""

from dataclasses import dataclass
from typing import Any

from .failure import CannotTrace


@dataclass(frozen=True)
class Span:
    """Consecutive rows of one request: `count` rows from position `start` (0-based) on.

    Positions below `prompt` are the prompt's.
    """

    req_id: str
    start: int
    count: int
    prompt: int


def spans_of(runner: Any, scheduled: dict[str, int]) -> list[Span]:
    """The rows of the step that the runner has just executed, in order.

    `scheduled` is SchedulerOutput.num_scheduled_tokens. Raises CannotTrace when the batch and the
    schedule disagree: then nothing is known about any row.
    """
    spans = _v2_spans(runner) if hasattr(runner, "req_states") else _v1_spans(runner, scheduled)
    if {span.req_id: span.count for span in spans} != scheduled:
        raise CannotTrace("the batch is not what was scheduled: whose rows these are is unknown")
    return spans


def _v1_spans(runner: Any, scheduled: dict[str, int]) -> list[Span]:
    """vllm.v1.worker.gpu_model_runner: `_prepare_inputs` lays rows out in the order of req_ids."""
    batch = runner.input_batch
    return [
        Span(
            req_id=req_id,
            start=int(batch.num_computed_tokens_cpu[i]),
            count=scheduled.get(req_id, 0),
            prompt=int(batch.num_prompt_tokens[i]),
        )
        for i, req_id in enumerate(batch.req_ids[: batch.num_reqs])
    ]


def _v2_spans(runner: Any) -> list[Span]:
    """vllm.v1.worker.gpu.model_runner: the batch of the step waits for `sample_tokens`."""
    batch = runner.execute_model_state.input_batch
    prompts = runner.req_states.prompt_len.np[batch.idx_mapping_np]
    return [
        Span(
            req_id=req_id,
            start=int(batch.num_computed_tokens_np[i]),
            count=int(batch.num_scheduled_tokens[i]),
            prompt=int(prompts[i]),
        )
        for i, req_id in enumerate(batch.req_ids)
    ]
