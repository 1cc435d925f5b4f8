"""The mixture of experts of Qwen2-MoE: routed experts, and one shared expert with its own gate."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from model import MLP, Decoder, Shape, config, linear

# Of the load-balancing loss, beside the loss of the tokens.
BALANCE_WEIGHT = 0.01


@dataclass(frozen=True)
class MoeShape(Shape):
    """Experts take most of the parameters, so every second layer only has them."""

    hidden: int = 128
    intermediate: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 32
    eps: float = 1e-6
    qkv_bias: bool = True
    experts: int = 60
    top_k: int = 4
    expert_intermediate: int = 128
    shared_intermediate: int = 256
    sparse_step: int = 2


class Routing(NamedTuple):
    """Of one layer: probabilities over all experts and the chosen ones as 1, both [tokens, E]."""

    probabilities: torch.Tensor
    chosen: torch.Tensor


class Stack(nn.Module):
    """One matrix an expert, [experts, outputs, inputs]."""

    def __init__(self, experts, outputs, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(experts, outputs, inputs))


class Experts(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate_proj = Stack(s.experts, s.expert_intermediate, s.hidden)
        self.up_proj = Stack(s.experts, s.expert_intermediate, s.hidden)
        self.down_proj = Stack(s.experts, s.hidden, s.expert_intermediate)

    def forward(self, x, shares):
        """x [T, hidden], shares [T, E] (0 where an expert was not chosen) -> [T, hidden].

        Every expert computes every token: on a GPU, experts this small cost less than sorting the
        tokens by expert, and the gradient is the same.
        """
        gate = F.linear(x, self.gate_proj.weight.flatten(0, 1))
        up = F.linear(x, self.up_proj.weight.flatten(0, 1))
        inner = (F.silu(gate) * up).unflatten(1, (shares.shape[1], -1))
        inner = (inner * shares[:, :, None].to(inner.dtype)).flatten(1)
        return inner @ self.down_proj.weight.transpose(1, 2).flatten(0, 1).to(inner.dtype)


class SparseMLP(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.top_k = s.top_k
        self.gate = linear(s.hidden, s.experts)
        self.experts = Experts(s)
        self.shared_expert = MLP(s.hidden, s.shared_intermediate)
        self.shared_expert_gate = linear(s.hidden, 1)

    def routed(self, x):
        rows = x.flatten(0, 1)
        # In float32 even under autocast: a rounded router chooses other experts.
        with torch.autocast(x.device.type, enabled=False):
            probabilities = F.linear(rows.float(), self.gate.weight).softmax(-1)
        chosen = torch.zeros_like(probabilities).scatter(
            1, probabilities.topk(self.top_k, -1).indices, 1.0)
        y = self.experts(rows, probabilities * chosen)
        y = y + torch.sigmoid(self.shared_expert_gate(rows)) * self.shared_expert(rows)
        return y.view_as(x).to(x.dtype), Routing(probabilities, chosen)


def balance(routings, valid):
    """Load-balancing loss of Switch Transformers, mean over the layers; 1 times k if even.

    `valid` [T] is 1 for tokens that count.
    """
    total = 0.0
    for probabilities, chosen in routings.values():
        weight = valid[:, None] / valid.sum()
        load = (chosen * weight).sum(0)
        total = total + probabilities.shape[1] * (load * (probabilities * weight).sum(0)).sum()
    return total / len(routings)


def sparse(s, index):
    return (index + 1) % s.sparse_step == 0


def moe(s=MoeShape()):
    return Decoder(s, [
        SparseMLP(s) if sparse(s, index) else MLP(s.hidden, s.intermediate)
        for index in range(s.layers)
    ])


def checkpoint_tensors(model):
    """Parameters under the names of the HF format: a stack becomes one matrix an expert."""
    tensors = {}
    for name, weight in model.named_parameters():
        if ".experts." not in name:
            tensors[name] = weight
            continue
        before, after = name.split(".experts.")
        for expert, matrix in enumerate(weight):
            tensors[f"{before}.experts.{expert}.{after}"] = matrix
    return tensors


def moe_config(s=MoeShape()):
    """config.json of the HF format."""
    dense = config(s)
    for key in ("attention_bias", "mlp_bias", "head_dim"):
        del dense[key]
    return {
        **dense,
        "architectures": ["Qwen2MoeForCausalLM"],
        "model_type": "qwen2_moe",
        "moe_intermediate_size": s.expert_intermediate,
        "shared_expert_intermediate_size": s.shared_intermediate,
        "num_experts": s.experts,
        "num_experts_per_tok": s.top_k,
        "norm_topk_prob": False,
        "decoder_sparse_step": s.sparse_step,
        "mlp_only_layers": [],
        "qkv_bias": s.qkv_bias,
        "use_sliding_window": False,
        "sliding_window": None,
        "router_aux_loss_coef": BALANCE_WEIGHT,
        "output_router_logits": False,
    }
