"""A small decoder in plain PyTorch, with the tensor names and file layout of the HF format."""

import json
import math
import struct
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """Every linear dimension is a multiple of 128, the group size of the quantizers."""

    vocab: int = 2048
    hidden: int = 256
    intermediate: int = 768
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    context: int = 512
    rope_theta: float = 10000.0
    eps: float = 1e-5
    qkv_bias: bool = False


def linear(inputs, outputs, bias=False):
    return nn.Linear(inputs, outputs, bias=bias)


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * wide).to(x.dtype)


def rotate(x, cos, sin):
    """Rotary positions in the HF convention: the head is split in halves, not in pairs."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.shape = s
        self.q_proj = linear(s.hidden, s.heads * s.head_dim, s.qkv_bias)
        self.k_proj = linear(s.hidden, s.kv_heads * s.head_dim, s.qkv_bias)
        self.v_proj = linear(s.hidden, s.kv_heads * s.head_dim, s.qkv_bias)
        self.o_proj = linear(s.heads * s.head_dim, s.hidden)

    def forward(self, x, cos, sin, mask):
        s = self.shape
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, s.heads, s.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, s.kv_heads, s.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, s.kv_heads, s.head_dim).transpose(1, 2)
        q = rotate(q, cos, sin).to(v.dtype)
        k = rotate(k, cos, sin).to(v.dtype)
        k = k.repeat_interleave(s.heads // s.kv_heads, dim=1)
        v = v.repeat_interleave(s.heads // s.kv_heads, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    def __init__(self, hidden, intermediate):
        super().__init__()
        self.gate_proj = linear(hidden, intermediate)
        self.up_proj = linear(hidden, intermediate)
        self.down_proj = linear(intermediate, hidden)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))

    def routed(self, x):
        """The output, and no routing."""
        return self(x), None


class Layer(nn.Module):
    def __init__(self, s, mlp):
        super().__init__()
        self.input_layernorm = RMSNorm(s.hidden, s.eps)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = RMSNorm(s.hidden, s.eps)
        self.mlp = mlp

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        added, routing = self.mlp.routed(self.post_attention_layernorm(x))
        return x + added, routing


class Body(nn.Module):
    def __init__(self, s, mlps):
        super().__init__()
        self.embed_tokens = nn.Embedding(s.vocab, s.hidden)
        self.layers = nn.ModuleList(Layer(s, mlp) for mlp in mlps)
        self.norm = RMSNorm(s.hidden, s.eps)


class Decoder(nn.Module):
    """`mlps` holds the feed-forward block of each layer."""

    def __init__(self, s, mlps):
        super().__init__()
        self.shape = s
        self.model = Body(s, mlps)
        inverse = s.rope_theta ** (-torch.arange(0, s.head_dim, 2).double() / s.head_dim)
        angles = torch.outer(torch.arange(s.context).double(), inverse)
        angles = torch.cat((angles, angles), dim=-1)
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)
        self.initialize()

    def initialize(self):
        for name, weight in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(weight)
            if weight.dim() < 2:
                continue
            # Layers that write into the residual stream start smaller, so that depth is stable.
            writes = name.endswith(("o_proj.weight", "down_proj.weight"))
            depth = math.sqrt(2 * self.shape.layers) if writes else 1.0
            nn.init.normal_(weight, std=0.02 / depth)

    def forward(self, tokens, mask=None):
        """Logits of the next token; without a mask, plain causal attention."""
        return self.routed(tokens, mask)[0]

    def routed(self, tokens, mask=None):
        """Logits, and the routing of each layer that routes: layer index to `moe.Routing`."""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = self.model.embed_tokens(tokens)
        routings = {}
        for index, layer in enumerate(self.model.layers):
            x, routing = layer(x, cos, sin, mask)
            if routing is not None:
                routings[index] = routing
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight), routings


def llama(s=Shape()):
    return Decoder(s, [MLP(s.hidden, s.intermediate) for _ in range(s.layers)])


def config(s=Shape()):
    """config.json of the HF format."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": s.vocab,
        "hidden_size": s.hidden,
        "intermediate_size": s.intermediate,
        "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads,
        "num_key_value_heads": s.kv_heads,
        "head_dim": s.head_dim,
        "max_position_embeddings": s.context,
        "rope_theta": s.rope_theta,
        "rms_norm_eps": s.eps,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "initializer_range": 0.02,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "use_cache": True,
        "torch_dtype": "bfloat16",
    }


def save_safetensors(path, tensors):
    """Writes BF16 tensors (rounded to nearest even) in name order."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        rounded = tensors[name].detach().cpu().to(torch.bfloat16).contiguous()
        blob = rounded.view(torch.uint16).numpy().astype("<u2").tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": list(rounded.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
