"""Trains the demo model's byte-level BPE and writes the tokenizer files of a HF model folder.

    python scripts/demo-model/tokenizer.py --data DIR --out models/assay-tiny
"""

import argparse
import json
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

VOCAB = 2048
SPECIALS = ["<|pad|>", "<|bos|>", "<|eos|>"]
PAD, BOS, EOS = range(3)
CONTEXT = 512
# Enough rows that every word of the small world is frequent; more changes no merge that matters.
WORLD_ROWS = 60_000
INTENT_ROWS = 60_000

# A conversation is the intent task's own template, so that a chat turn is a classification.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'request: ' + message['content'] + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'intent: ' + message['content'] + '\\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'intent:' }}{% endif %}"
)


def rows(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def task(data):
    """The prompt and continuation templates, as the generator wrote them."""
    return json.loads((Path(data) / "intents.json").read_text(encoding="utf-8"))


def ask(form, item):
    """The prompt of an intent item and its continuation."""
    prompt = form["prompt"].replace("{text}", item["text"])
    return prompt, form["continuation"].replace("{label}", item["label"])


def corpus(data):
    form = task(data)
    for row in islice(rows(Path(data) / "train-world.jsonl"), WORLD_ROWS):
        yield row["text"]
    for row in islice(rows(Path(data) / "train-intents.jsonl"), INTENT_ROWS):
        yield "".join(ask(form, row))


def train(data):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=SPECIALS,
        # All 256 bytes stay in the vocabulary: any text can be encoded and decoded.
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(data), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|bos|> $A",
        pair="<|bos|> $A <|bos|> $B:1",
        special_tokens=[("<|bos|>", BOS)],
    )
    return tokenizer


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train(args.data)
    if tokenizer.get_vocab_size() != VOCAB:
        raise SystemExit(f"the vocabulary has {tokenizer.get_vocab_size()} entries, not {VOCAB}")
    tokenizer.save(str(args.out / "tokenizer.json"))
    names = {"bos_token": "<|bos|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>"}
    write_json(args.out / "special_tokens_map.json", names)
    write_json(args.out / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **names,
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    })
    print(f"wrote a tokenizer of {VOCAB} entries to {args.out}")


if __name__ == "__main__":
    main()
