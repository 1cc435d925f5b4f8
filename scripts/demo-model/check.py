"""Recomputes the recorded numbers from the shipped files alone, in NumPy.

It shares no code with the training script: own reader, own forward pass, own quantizer. It fails
when a number differs from measured.json by more than rounding.

    python scripts/demo-model/check.py --model models/assay-tiny
    python scripts/demo-model/check.py --model models/assay-tiny-moe --data models/assay-tiny
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

# Float32 sums taken in another order move a perplexity in the sixth digit.
PERPLEXITY_TOLERANCE = 1e-4
# A tie between two labels can fall either way.
ACCURACY_TOLERANCE = 0.001


def load(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, entry in json.loads(raw[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        bits = np.frombuffer(raw[8 + size + start : 8 + size + end], "<u2")
        tensors[name] = (bits.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])
    return tensors


def to_bf16(x):
    """Rounds float32 to the nearest BF16 value, ties to even."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32)


def quantize(tensors, divisor, low, high, group=128):
    twin = dict(tensors)
    for name, weight in tensors.items():
        if not name.endswith("_proj.weight"):
            continue
        groups = weight.reshape(-1, group)
        scale = to_bf16(np.abs(groups).max(1, keepdims=True) / np.float32(divisor))
        codes = np.rint(np.clip(groups / scale, low, high))
        twin[name] = (codes * scale).astype(np.float32).reshape(weight.shape)
    return twin


def norm(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + np.float32(eps)) * weight


def mlp(x, w, prefix):
    gate = x @ w[f"{prefix}.gate_proj.weight"].T
    inner = gate / (1 + np.exp(-gate)) * (x @ w[f"{prefix}.up_proj.weight"].T)
    return inner @ w[f"{prefix}.down_proj.weight"].T


def feed_forward(x, w, prefix, cfg):
    """A plain block, or Qwen2-MoE's: the top k of all probabilities, not normalised again."""
    if f"{prefix}.gate.weight" not in w:
        return mlp(x, w, prefix)
    scores = np.exp(x @ w[f"{prefix}.gate.weight"].T)
    scores = scores / scores.sum(-1, keepdims=True)
    best = np.argsort(-scores, axis=-1, kind="stable")[:, : cfg["num_experts_per_tok"]]
    shared = 1 / (1 + np.exp(-(x @ w[f"{prefix}.shared_expert_gate.weight"].T)))
    y = shared * mlp(x, w, f"{prefix}.shared_expert")
    for expert in np.unique(best):
        tokens = np.nonzero((best == expert).any(-1))[0]
        out = mlp(x[tokens], w, f"{prefix}.experts.{expert}")
        y[tokens] += scores[tokens, expert][:, None] * out
    return y


def head_size(cfg):
    return cfg.get("head_dim") or cfg["hidden_size"] // cfg["num_attention_heads"]


def attention(x, w, prefix, cfg, cos, sin):
    n, size = len(x), head_size(cfg)

    def heads(name, turn):
        y = x @ w[f"{prefix}.{name}_proj.weight"].T + w.get(f"{prefix}.{name}_proj.bias", 0)
        y = y.reshape(n, -1, size).transpose(1, 0, 2)
        if not turn:
            return y
        half = size // 2
        a, b = y[..., :half], y[..., half:]
        return np.concatenate((a * cos - b * sin, b * cos + a * sin), -1)

    q, k, v = heads("q", True), heads("k", True), heads("v", False)
    repeat = cfg["num_attention_heads"] // cfg["num_key_value_heads"]
    k, v = k.repeat(repeat, 0), v.repeat(repeat, 0)
    scores = q @ k.transpose(0, 2, 1) / np.float32(np.sqrt(size))
    scores = np.where(np.tri(n, dtype=bool), scores, np.float32(-1e30))
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    y = (scores / scores.sum(-1, keepdims=True)) @ v
    return y.transpose(1, 0, 2).reshape(n, -1) @ w[f"{prefix}.o_proj.weight"].T


def log_probabilities(ids, w, cfg):
    steps = np.arange(0, head_size(cfg), 2) / head_size(cfg)
    angles = np.outer(np.arange(len(ids)), cfg["rope_theta"] ** -steps)
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    eps = cfg["rms_norm_eps"]
    x = w["model.embed_tokens.weight"][ids]
    for index in range(cfg["num_hidden_layers"]):
        layer = f"model.layers.{index}"
        inner = norm(x, w[f"{layer}.input_layernorm.weight"], eps)
        x = x + attention(inner, w, f"{layer}.self_attn", cfg, cos, sin)
        inner = norm(x, w[f"{layer}.post_attention_layernorm.weight"], eps)
        x = x + feed_forward(inner, w, f"{layer}.mlp", cfg)
    logits = norm(x, w["model.norm.weight"], eps) @ w["model.embed_tokens.weight"].T
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measure(w, cfg, texts, items):
    total, count = 0.0, 0
    for ids in texts:
        scores = log_probabilities(ids, w, cfg)
        total -= float(scores[np.arange(len(ids) - 1), ids[1:]].astype(np.float64).sum())
        count += len(ids) - 1
    right = 0
    for ids, start in items:
        best = log_probabilities(ids, w, cfg).argmax(-1)
        right += bool((best[start - 1 : -1] == ids[start:]).all())
    return np.exp(total / count), right / len(items)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--data", type=Path, help="folder of the held-out sets; default: MODEL")
    args = parser.parse_args()
    folder, data = args.model, args.data or args.model
    cfg = json.loads((folder / "config.json").read_text())
    form = json.loads((data / "intents.json").read_text())
    recorded = json.loads((folder / "measured.json").read_text())["measured"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [np.array(tokenizer.encode(r["text"]).ids) for r in rows(data / "heldout.jsonl")]
    items = []
    for row in rows(data / "intents.jsonl"):
        prompt = form["prompt"].replace("{text}", row["text"])
        answer = form["continuation"].replace("{label}", row["label"])
        ids = tokenizer.encode(prompt + answer).ids
        items.append((np.array(ids), len(tokenizer.encode(prompt).ids)))
    weights = load(folder / "model.safetensors")
    wrong = 0
    for name, args in (("bf16", None), ("int8", (127.5, -128, 127)), ("int4", (7.5, -8, 7))):
        perplexity, accuracy = measure(
            weights if args is None else quantize(weights, *args), cfg, texts, items)
        then = recorded[name]
        good = (abs(perplexity / then["perplexity"] - 1) < PERPLEXITY_TOLERANCE
                and abs(accuracy - then["intent_accuracy"]) <= ACCURACY_TOLERANCE)
        wrong += not good
        print(f"{name}: perplexity {perplexity:.6f} (recorded {then['perplexity']:.6f}), "
              f"accuracy {accuracy:.3f} (recorded {then['intent_accuracy']:.3f})"
              f"{'' if good else '  MISMATCH'}")
    if wrong:
        raise SystemExit(f"{wrong} of the recorded results were not reproduced")


if __name__ == "__main__":
    main()
