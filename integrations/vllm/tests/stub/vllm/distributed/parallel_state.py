from types import SimpleNamespace

TENSOR = SimpleNamespace(rank_in_group=0, world_size=1)
PIPELINE = SimpleNamespace(rank_in_group=0, world_size=1)


def get_tp_group() -> SimpleNamespace:
    return TENSOR


def get_pp_group() -> SimpleNamespace:
    return PIPELINE
