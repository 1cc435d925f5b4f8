"""Where the recorder listens: to the objects of this process, at run time.

One class is touched, `WorkerWrapperBase.init_device`, which every executor calls once a worker;
everything else is an attribute of the worker and of its model runner.
"""

import functools
from collections.abc import Callable
from multiprocessing import util
from pathlib import Path
from typing import Any

from .failure import CannotTrace, Switch, log
from .layers import Layer, layers_of, obstacles
from .settings import Settings

# What the server makes up itself, by the worker's method that does it.
SERVER_PHASES = {"determine_available_memory": "profile", "compile_or_warm_up_model": "warmup"}


def install(settings: Settings) -> None:
    """Waits for workers of this process. Safe to call twice."""
    from vllm.v1.worker.worker_base import WorkerWrapperBase

    init_device = WorkerWrapperBase.init_device
    if hasattr(init_device, "assay_moe"):
        return

    @functools.wraps(init_device)
    def traced_init_device(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = init_device(self, *args, **kwargs)
        Tracing(settings).follow(self.worker)
        return result

    traced_init_device.assay_moe = True  # type: ignore[attr-defined]
    WorkerWrapperBase.init_device = traced_init_device


class Tracing:
    """Of one worker: from the loaded model to the end of the process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._switch = Switch()
        self._recorder: Any = None
        # The server's own passes that are under way, innermost last.
        self._phases: list[str] = []

    def follow(self, worker: Any) -> None:
        """The model is there once `load_model` has returned."""
        self._after(worker, "load_model", lambda *_args: self._attach(worker))
        for method, phase in SERVER_PHASES.items():
            if hasattr(worker, method):
                self._during(worker, method, phase)

    def _after(self, owner: Any, method: str, act: Callable[..., Any]) -> None:
        """`act(arguments, keywords)` once the method has returned; never when it raised."""
        inner = getattr(owner, method)

        @functools.wraps(inner)
        def traced(*args: Any, **kwargs: Any) -> Any:
            result = inner(*args, **kwargs)
            self._switch.guard(act, args, kwargs)
            return result

        setattr(owner, method, traced)

    def _during(self, owner: Any, method: str, phase: str) -> None:
        inner = getattr(owner, method)

        @functools.wraps(inner)
        def traced(*args: Any, **kwargs: Any) -> Any:
            self._phases.append(phase)
            try:
                return inner(*args, **kwargs)
            finally:
                self._phases.pop()

        setattr(owner, method, traced)

    def _attach(self, worker: Any) -> None:
        if self._recorder is not None:
            self._recorder.switch.on = False
            raise CannotTrace("the model was loaded again: what is traced is the first one")
        runner = worker.model_runner
        config = runner.vllm_config
        if found := obstacles(config):
            raise CannotTrace(f"not possible with {', '.join(found)}")
        path = path_of(self._settings.path)
        if path is None:
            return
        # PyTorch is only loaded by processes that have a model.
        from .recorder import Recorder
        from .writer import Writer

        layers = layers_of(runner.get_model(), self._settings.layers)
        capacity = int(config.scheduler_config.max_num_batched_tokens)
        meta = meta_of(config, runner.device, layers[0], self._settings)
        prefix = self._settings.prefix
        self._recorder = Recorder(
            layers,
            capacity,
            runner.device,
            lambda seen: Writer(path, {**meta, "layers_logged": seen}, seen, prefix),
        )
        # Unlike atexit, this also runs where vLLM's workers end, in forked processes.
        util.Finalize(None, self._recorder.close, exitpriority=100)
        self._follow_runner(runner)
        log.info("MoE routing is traced to %s: %d layers", path, len(layers))

    def _follow_runner(self, runner: Any) -> None:
        execute_model, dummy_run = runner.execute_model, runner._dummy_run
        guard = self._recorder.switch.guard

        @functools.wraps(execute_model)
        def traced_execute_model(scheduler_output: Any, *args: Any, **kwargs: Any) -> Any:
            # Model runner V2 executes its dummy runs through this method.
            if kwargs.get("dummy_run"):
                return execute_model(scheduler_output, *args, **kwargs)
            guard(self._recorder.begin)
            result = execute_model(scheduler_output, *args, **kwargs)
            guard(self._end_step, runner, scheduler_output)
            return result

        @functools.wraps(dummy_run)
        def traced_dummy_run(num_tokens: int, *args: Any, **kwargs: Any) -> Any:
            guard(self._recorder.begin)
            result = dummy_run(num_tokens, *args, **kwargs)
            phase = "profile" if kwargs.get("is_profile") else self._phase() or "warmup"
            guard(self._recorder.end_dummy, phase, num_tokens)
            return result

        runner.execute_model, runner._dummy_run = traced_execute_model, traced_dummy_run

    def _phase(self) -> str | None:
        return self._phases[-1] if self._phases else None

    def _end_step(self, runner: Any, scheduler_output: Any) -> None:
        scheduled = dict(scheduler_output.num_scheduled_tokens)
        phase = self._phase()
        if phase is None:
            self._recorder.end_step(runner, scheduled, scheduler_output.finished_req_ids)
        elif scheduled:
            # Model runner V2 warms up with requests of its own.
            self._recorder.end_dummy(phase, sum(scheduled.values()))


def path_of(path: Path) -> Path | None:
    """One file a pipeline stage (`trace.pp1.jsonl`); None on the ranks that repeat the first."""
    from vllm.distributed.parallel_state import get_pp_group, get_tp_group

    if get_tp_group().rank_in_group != 0:
        return None
    pipeline = get_pp_group()
    if pipeline.world_size == 1:
        return path
    return path.with_name(f"{path.stem}.pp{pipeline.rank_in_group}{path.suffix}")


def meta_of(config: Any, device: Any, layer: Layer, settings: Settings) -> dict[str, Any]:
    """The first line, without `layers_logged`."""
    import torch
    import vllm

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    seed = config.model_config.seed if settings.seed is None else settings.seed
    return {
        "type": "meta",
        "model_id": config.model_config.model,
        "vllm_version": vllm.__version__,
        "torch_version": torch.__version__,
        "device": name,
        "seed": seed,
        "layers_logged": [],
        "top_k": layer.top_k,
        "engine": "vllm",
        "engine_version": vllm.__version__,
        "num_experts": layer.experts,
        "norm_topk_prob": layer.normalized,
        "request_ids": "engine",
    }
