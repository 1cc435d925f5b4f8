"""Held-out perplexity and intent accuracy of BF16, INT8 and INT4 weights, in float32 arithmetic."""

import copy

import numpy as np
import torch
import torch.nn.functional as F

GROUP = 128
# Divisor of the group's largest magnitude, lowest and highest code.
SCHEMES = {"int8": (127.5, -128, 127), "int4": (7.5, -8, 7)}
BOOTSTRAP_SAMPLES = 10_000


def documents(data, name):
    ends = data[f"{name}_ends"].astype(np.int64)
    starts = np.concatenate(([0], ends[:-1]))
    flat = data[name]
    return [flat[a:b] for a, b in zip(starts, ends)]


def round_trip(weight, divisor, low, high):
    """Symmetric group quantization along the input dimension, then back to float32."""
    groups = weight.reshape(-1, GROUP)
    scale = (groups.abs().amax(1, keepdim=True) / divisor).to(torch.bfloat16).float()
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    codes = torch.round(torch.clamp(groups / scale, low, high))
    return (codes * scale).reshape(weight.shape)


def quantized(model, scheme):
    """A copy with every projection quantized; embeddings (the tied head) and norms stay BF16."""
    twin = copy.deepcopy(model)
    for name, weight in twin.named_parameters():
        if name.endswith("_proj.weight"):
            weight.data = round_trip(weight.data, *SCHEMES[scheme])
    return twin


def padded(model, docs, size):
    """Pads on the right: causal attention never looks at what follows."""
    device = next(model.parameters()).device
    for start in range(0, len(docs), size):
        part = docs[start : start + size]
        tokens = np.zeros((len(part), max(map(len, part))), dtype=np.int64)
        for row, doc in enumerate(part):
            tokens[row, : len(doc)] = doc
        yield start, part, torch.from_numpy(tokens).to(device)


def batches(model, docs, size):
    for start, part, tokens in padded(model, docs, size):
        yield start, part, tokens, model(tokens).float()


@torch.no_grad()
def perplexity(model, docs, size=32):
    """Negative log-likelihood and count of predicted tokens (all but <|bos|>) per document."""
    totals, counts = [], []
    for _, part, tokens, logits in batches(model, docs, size):
        loss = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
        for row, doc in enumerate(part):
            totals.append(loss[row, : len(doc) - 1].double().sum().item())
            counts.append(len(doc) - 1)
    return np.array(totals), np.array(counts)


@torch.no_grad()
def exact_matches(model, docs, label_starts, size=200):
    """Whether greedy decoding would write the continuation, token for token.

    Greedy decoding writes exactly the continuation if and only if, with the continuation given,
    the most likely token at each of its positions is the given one; so one pass is enough.
    """
    right = []
    for start, part, tokens, logits in batches(model, docs, size):
        best = logits.argmax(-1)
        for row, doc in enumerate(part):
            first, last = int(label_starts[start + row]), len(doc)
            hit = best[row, first - 1 : last - 1] == tokens[row, first:last]
            right.append(bool(hit.all()))
    return np.array(right)


@torch.no_grad()
def routes(model, docs, size=32):
    """Of each layer that routes, how many tokens chose each expert, <|bos|> included."""
    counts = {}
    for _, part, tokens in padded(model, docs, size):
        lengths = torch.tensor([len(doc) for doc in part], device=tokens.device)
        valid = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        for layer, routing in model.routed(tokens)[1].items():
            chosen = routing.chosen[valid.flatten()].sum(0).double().cpu().numpy()
            counts[layer] = counts.get(layer, 0) + chosen
    return counts


def load(counts):
    share = counts / counts.sum()
    used = share[share > 0]
    return {
        "routed": int(counts.sum()),
        "experts": len(counts),
        "unused": int((counts == 0).sum()),
        "entropy_bits": float(-(used * np.log2(used)).sum()),
        "max_over_mean": float(share.max() * len(share)),
    }


def interval(values):
    low, high = np.percentile(values, [2.5, 97.5])
    return [float(low), float(high)]


def compare(base, other, counts, rng):
    """Paired bootstrap over documents: difference in mean loss per token, and in perplexity."""
    draws = rng.integers(0, len(counts), (BOOTSTRAP_SAMPLES, len(counts)))
    weight = counts[draws].sum(1)
    loss_base, loss_other = base[draws].sum(1) / weight, other[draws].sum(1) / weight
    return {
        "nll_difference": float((other - base).sum() / counts.sum()),
        "nll_difference_95": interval(loss_other - loss_base),
        "perplexity_difference_95": interval(np.exp(loss_other) - np.exp(loss_base)),
    }


def measure(model, data):
    """All numbers of the model card. The model's weights must already be BF16 values."""
    model = model.float().eval()
    texts, items = documents(data, "heldout"), documents(data, "intents")
    rng = np.random.default_rng(0)
    result, base, base_right = {}, None, None
    for name in ("bf16", *SCHEMES):
        subject = model if name == "bf16" else quantized(model, name)
        nll, counts = perplexity(subject, texts)
        right = exact_matches(subject, items, data["intents_label"])
        row = {
            "perplexity": float(np.exp(nll.sum() / counts.sum())),
            "documents": len(texts),
            "predicted_tokens": int(counts.sum()),
            "intent_accuracy": float(right.mean()),
            "intents_right": int(right.sum()),
            "intents": len(items),
        }
        routing = routes(subject, texts)
        if routing:
            row["routing"] = {str(layer): load(counts) for layer, counts in routing.items()}
        if base is None:
            base, base_right = nll, right
        else:
            row.update(compare(base, nll, counts, rng))
            row["intents_lost"] = int((base_right & ~right).sum())
            row["intents_gained"] = int((~base_right & right).sum())
        result[name] = row
    return result
