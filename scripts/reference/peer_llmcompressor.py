"""Small checkpoints as llm-compressor writes them, and what compressed-tensors reads in them.

    pip install llmcompressor
    python scripts/reference/peer_llmcompressor.py test/golden/peers

A Llama of one layer with seeded weights goes through `oneshot` for every preset. Of what is saved
two matrices are kept, so that the files stay small; `expected.json` has the SHA-256 of their
values in BF16 after compressed-tensors has decompressed the whole.
"""

import hashlib
import json
import pathlib
import sys
import tempfile

import compressed_tensors
import llmcompressor
import torch
import transformers
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import GPTQModifier, QuantizationModifier
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoModelForCausalLM,
    CompressedTensorsConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

KEPT = ("model.layers.0.self_attn.k_proj", "model.layers.0.mlp.down_proj")
CONFIG = LlamaConfig(
    hidden_size=128,
    intermediate_size=128,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    vocab_size=32,
)
LINEAR = {"targets": "Linear", "ignore": ["lm_head"]}
RECIPES = {
    "fp8-dynamic": QuantizationModifier(scheme="FP8_DYNAMIC", **LINEAR),
    "fp8-block": QuantizationModifier(scheme="FP8_BLOCK", **LINEAR),
    "w8a8": QuantizationModifier(scheme="W8A8", **LINEAR),
    "w8a16": QuantizationModifier(scheme="W8A16", **LINEAR),
    "w4a16": QuantizationModifier(scheme="W4A16", **LINEAR),
    "w4a16-asym": QuantizationModifier(scheme="W4A16_ASYM", **LINEAR),
    "gptq-w4a16-actorder": GPTQModifier(scheme="W4A16", actorder="static", **LINEAR),
}


def seeded_model():
    torch.manual_seed(5)
    model = LlamaForCausalLM(CONFIG).to(torch.bfloat16)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("_proj.weight"):
                # An input that stands out, and an output of zeros.
                parameter[:, 3] *= 20
                parameter[5] = 0
    return model


def calibration():
    generator = torch.Generator().manual_seed(6)
    rows = torch.randint(0, CONFIG.vocab_size, (16, 24), generator=generator).tolist()
    return Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * 24] * 16})


def sha256_of_bf16(tensor):
    return hashlib.sha256(tensor.to(torch.bfloat16).contiguous().view(torch.uint8).numpy()).hexdigest()


def write(name, recipe, into):
    with tempfile.TemporaryDirectory() as saved:
        seeded_model().save_pretrained(f"{saved}/original")
        vocabulary = {f"t{i}": i for i in range(CONFIG.vocab_size)}
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(WordLevel(vocabulary, unk_token="t0")), pad_token="t0"
        )
        tokenizer.save_pretrained(f"{saved}/original")
        model = AutoModelForCausalLM.from_pretrained(f"{saved}/original", dtype=torch.bfloat16)
        needs_data = isinstance(recipe, GPTQModifier)
        data = {"dataset": calibration(), "num_calibration_samples": 16} if needs_data else {}
        oneshot(model=model, recipe=recipe, **data)
        model.save_pretrained(saved, save_compressed=True)
        tensors = load_file(f"{saved}/model.safetensors")
        config = json.loads(pathlib.Path(saved, "config.json").read_text())
        whole = AutoModelForCausalLM.from_pretrained(
            saved, dtype=torch.bfloat16, quantization_config=CompressedTensorsConfig(dequantize=True)
        ).state_dict()
    directory = into / f"llmcompressor-{name}"
    directory.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in tensors.items() if key.startswith(tuple(f"{m}." for m in KEPT))}
    save_file(kept, directory / "model.safetensors", metadata={"format": "pt"})
    small = {"model_type": "llama", "quantization_config": config["quantization_config"]}
    (directory / "config.json").write_text(json.dumps(small, indent=2) + "\n")
    return {f"{module}.weight": sha256_of_bf16(whole[f"{module}.weight"]) for module in KEPT}


def main():
    into = pathlib.Path(sys.argv[1])
    checkpoints = {f"llmcompressor-{name}": write(name, recipe, into) for name, recipe in RECIPES.items()}
    versions = {
        "llmcompressor": llmcompressor.__version__,
        "compressed-tensors": compressed_tensors.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    expected = {"versions": versions, "checkpoints": checkpoints}
    (into / "llmcompressor.json").write_text(json.dumps(expected, indent=2) + "\n")


main()
