"""Trains a demo model and writes config.json, generation_config.json, model.safetensors and
measured.json.

    python scripts/demo-model/train.py --tokens tokens.npz --out DIR --steps 10000
    python scripts/demo-model/train.py --kind moe --tokens tokens.npz --out DIR --steps 20000
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from evaluate import documents, measure
from model import config, llama, save_safetensors
from moe import BALANCE_WEIGHT, balance, checkpoint_tensors, moe, moe_config

PAD, BOS, EOS = 0, 1, 2
ROW = 512
# The label is a few of an item's tokens; without weight the task would learn late.
LABEL_WEIGHT = 4
# Share of rows in which attention crosses document borders, so that all positions are trained.
PLAIN_SHARE = 0.2
LAST_RATE, WARMUP = 2e-5, 200
KINDS = {"dense": (llama, config), "moe": (moe, moe_config)}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--kind", choices=KINDS, default="dense")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=math.inf,
                        help="end earlier, with the rate lowered in time, if steps take longer")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at its peak")
    parser.add_argument("--rows", type=int, default=128, help="rows of 512 tokens in a step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="training documents of each kind (dry runs)")
    parser.add_argument("--no-compile", action="store_true")
    return parser.parse_args()


class Packer:
    """Packs whole documents into rows; a new epoch shuffles them anew."""

    def __init__(self, data, seed, limit):
        world = documents(data, "train_world")[:limit]
        intents = documents(data, "train_intents")[:limit]
        self.docs = world + intents
        self.weights = [np.ones(len(doc), np.uint8) for doc in world]
        for doc, start in zip(intents, data["train_intents_label"]):
            weight = np.ones(len(doc), np.uint8)
            weight[start:-1] = LABEL_WEIGHT
            self.weights.append(weight)
        for weight in self.weights:
            # <|bos|> follows <|eos|> by packing alone: nothing to learn there.
            weight[0] = 0
        self.rng = np.random.default_rng(seed)

    def epoch(self):
        order = self.rng.permutation(len(self.docs))
        places, row, used = [], 0, 0
        for index in order:
            length = len(self.docs[index])
            if used + length > ROW:
                row, used = row + 1, 0
            places.append(row * ROW + used)
            used += length
        tokens = np.full((row + 1) * ROW, PAD, np.uint16)
        weights = np.zeros((row + 1) * ROW, np.uint8)
        for index, place in zip(order, places):
            end = place + len(self.docs[index])
            tokens[place:end] = self.docs[index]
            weights[place:end] = self.weights[index]
        return tokens.reshape(-1, ROW), weights.reshape(-1, ROW)


def endless_batches(packer, size, device):
    while True:
        tokens, weights = packer.epoch()
        tokens = torch.from_numpy(tokens.astype(np.int32)).to(device)
        weights = torch.from_numpy(weights).to(device)
        for start in range(0, len(tokens) - size + 1, size):
            yield tokens[start : start + size].long(), weights[start : start + size].float()


def attention_mask(tokens, generator):
    """Causal, within a document; a share of the rows may look across documents."""
    rows, length = tokens.shape
    document = (tokens == BOS).cumsum(1)
    same = document[:, None, :, None] == document[:, None, None, :]
    plain = torch.rand(rows, 1, 1, 1, device=tokens.device, generator=generator) < PLAIN_SHARE
    causal = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
    return (same | plain) & causal


def rate(step, part, peak):
    """Of a step when `part` (0 to 1) of the way down from the peak is gone."""
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    return LAST_RATE + (peak - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * part))


def train(model, args, data, device):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    norms = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}],
        betas=(0.9, 0.95), fused=device == "cuda",
    )
    generator = torch.Generator(device=device).manual_seed(args.seed)
    source = endless_batches(Packer(data, args.seed, args.limit), args.rows, device)
    run = model.routed if args.no_compile else torch.compile(model.routed)
    started, seen = time.time(), 0
    for step in range(args.steps):
        tokens, weights = next(source)
        mask = attention_mask(tokens[:, :-1], generator)
        spent = (time.time() - started) / args.seconds
        if spent >= 1:
            break
        part = max((step - WARMUP) / max(1, args.steps - WARMUP), spent)
        for group in optimizer.param_groups:
            group["lr"] = rate(step, part, args.rate)
        with torch.autocast(device, dtype=torch.bfloat16):
            logits, routings = run(tokens[:, :-1], mask)
        loss = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(),
                               reduction="none")
        target = weights[:, 1:].flatten()
        loss = (loss * target).sum() / target.sum()
        even = torch.zeros(())
        if routings:
            even = balance(routings, (tokens[:, :-1] != PAD).flatten().float())
        (loss + BALANCE_WEIGHT * even.to(device)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen += tokens.numel()
        done = step + 1
        if step % 100 == 0 or done == args.steps:
            print(f"step {step} loss {loss.item():.4f} balance {even.item():.3f} "
                  f"{time.time() - started:.0f} s", flush=True)
    return {"steps": done, "tokens_seen": seen, "seconds": round(time.time() - started, 1)}


def main():
    args = arguments()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(args.seed)
    # TF32 would make the float32 measurements less exact than they claim to be.
    torch.backends.cuda.matmul.allow_tf32 = False
    data = dict(np.load(args.tokens))
    build, describe = KINDS[args.kind]
    model = build().to(device)
    count = sum(p.numel() for p in model.parameters())
    print(f"{count} parameters on {device}, torch {torch.__version__}", flush=True)
    cost = train(model, args, data, device)
    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16).float()
    args.out.mkdir(parents=True, exist_ok=True)
    save_safetensors(args.out / "model.safetensors", checkpoint_tensors(model))
    measured = measure(model, data)
    for name, row in measured.items():
        print(name, json.dumps(row), flush=True)
    hardware = torch.cuda.get_device_name(0) if device == "cuda" else "CPU"
    write(args.out / "measured.json", {
        "parameters": count,
        "training": {
            "rows": args.rows, "row_tokens": ROW, "peak_rate": args.rate,
            "seed": args.seed, **cost,
            "hardware": hardware, "torch": torch.__version__,
        },
        "measured": measured,
    })
    write(args.out / "config.json", describe())
    write(args.out / "generation_config.json", {
        "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "do_sample": False,
    })


def write(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
