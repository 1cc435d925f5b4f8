"""Tokenizes the generated data into one compressed file, so that training needs no tokenizer.

    python scripts/demo-model/encode.py --data DIR --model models/assay-tiny --out tokens.npz
"""

import argparse
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from tokenizer import EOS, ask, rows, task

BATCH = 4000


def flatten(documents):
    """All token ids in a row, and where each document ends."""
    lengths = np.array([len(ids) for ids in documents], dtype=np.int64)
    flat = np.fromiter((i for ids in documents for i in ids), np.uint16, int(lengths.sum()))
    return flat, np.cumsum(lengths).astype(np.uint32)


def encode_all(tokenizer, texts):
    documents = []
    for start in range(0, len(texts), BATCH):
        batch = tokenizer.encode_batch(texts[start : start + BATCH])
        documents.extend(np.array(one.ids, dtype=np.uint16) for one in batch)
    return documents


def world(tokenizer, path, ending):
    texts = [row["text"] for row in rows(path)]
    tail = np.array(ending, dtype=np.uint16)
    return [np.concatenate([ids, tail]) for ids in encode_all(tokenizer, texts)]


def intents(tokenizer, path, form, ending):
    """The documents and, for each, the position at which its label starts."""
    pairs = [ask(form, row) for row in rows(path)]
    prompts = encode_all(tokenizer, [prompt for prompt, _ in pairs])
    wholes = encode_all(tokenizer, [prompt + answer for prompt, answer in pairs])
    for prompt, whole in zip(prompts, wholes):
        if not np.array_equal(whole[: len(prompt)], prompt):
            raise SystemExit("a prompt's tokens are no prefix of the prompt with its answer")
    tail = np.array(ending, dtype=np.uint16)
    starts = np.array([len(prompt) for prompt in prompts], dtype=np.uint16)
    return [np.concatenate([ids, tail]) for ids in wholes], starts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    form = task(args.data)
    arrays = {}
    # Training documents end in <|eos|>; the held-out ones are scored on their own text alone.
    for name, file, ending in (
        ("train_world", "train-world.jsonl", [EOS]),
        ("heldout", "heldout.jsonl", []),
    ):
        arrays[name], arrays[f"{name}_ends"] = flatten(world(tokenizer, args.data / file, ending))
    for name, file, ending in (
        ("train_intents", "train-intents.jsonl", [EOS]),
        ("intents", "intents.jsonl", []),
    ):
        documents, starts = intents(tokenizer, args.data / file, form, ending)
        arrays[name], arrays[f"{name}_ends"] = flatten(documents)
        arrays[f"{name}_label"] = starts
    np.savez_compressed(args.out, **arrays)
    for name in ("train_world", "train_intents", "heldout", "intents"):
        lengths = np.diff(arrays[f"{name}_ends"].astype(np.int64), prepend=0)
        print(f"{name}: {len(lengths)} documents, {lengths.sum()} tokens, "
              f"shortest {lengths.min()}, longest {lengths.max()}")


if __name__ == "__main__":
    main()
