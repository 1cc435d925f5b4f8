"""Small checkpoints as GPTQModel writes them, and matrices as AutoAWQ packs them, with their values.

    pip install gptqmodel && pip download --no-deps autoawq && tar xzf autoawq-*.tar.gz
    GPTQMODEL_CPU_WORKERS=2 python scripts/reference/peer_gptq_awq.py test/golden/peers autoawq-0.2.9

A Llama of one layer with seeded weights is quantized on the CPU. Of what is saved two matrices are
kept; `gptq-awq.json` has the SHA-256 of their values in F16, [out, in], after the peer has
unpacked them. AutoAWQ's package imports models that newer transformers no longer have: only its
packing is imported.
"""

import hashlib
import importlib
import json
import pathlib
import sys
import tempfile
import types

import gptqmodel
import torch
import transformers
from gptqmodel import BACKEND, GPTQModel, QuantizeConfig
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

KEPT = ("model.layers.0.self_attn.k_proj", "model.layers.0.mlp.down_proj")
CONFIG = LlamaConfig(
    hidden_size=128,
    intermediate_size=128,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    vocab_size=32,
    bos_token_id=0,
    eos_token_id=1,
    pad_token_id=2,
)
SETTINGS = {
    "gptq-v1-sym": {"sym": True, "desc_act": False, "format": "gptq"},
    "gptq-v1-act-order": {"sym": True, "desc_act": True, "format": "gptq"},
    "gptq-v1-asym": {"sym": False, "desc_act": False, "format": "gptq"},
    "gptq-v2-asym-act-order": {"sym": False, "desc_act": True, "format": "gptq_v2"},
}


def seeded_model(into):
    torch.manual_seed(5)
    model = LlamaForCausalLM(CONFIG).to(torch.float16)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("_proj.weight"):
                # An input that stands out.
                parameter[:, 3] *= 20
    model.save_pretrained(into)
    vocabulary = {f"t{i}": i for i in range(CONFIG.vocab_size)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="t0"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="t2").save_pretrained(into)


def calibration():
    generator = torch.Generator().manual_seed(6)
    rows = torch.randint(3, CONFIG.vocab_size, (16, 24), generator=generator).tolist()
    return [{"input_ids": row, "attention_mask": [1] * 24} for row in rows]


def sha256(tensor):
    return hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy()).hexdigest()


def keep(saved, directory):
    tensors = {}
    for file in sorted(pathlib.Path(saved).glob("*.safetensors")):
        tensors.update(load_file(file))
    config = json.loads(pathlib.Path(saved, "config.json").read_text())
    kept = {k: v for k, v in tensors.items() if k.startswith(tuple(f"{m}." for m in KEPT))}
    quantization = config["quantization_config"]
    # How it was calibrated, with paths of the machine.
    quantization.pop("meta", None)
    put(directory, kept, quantization)


def put(directory, tensors, quantization):
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    small = {"model_type": "llama", "quantization_config": quantization}
    (directory / "config.json").write_text(json.dumps(small, indent=2) + "\n")


def by_gptqmodel(name, settings, into):
    with tempfile.TemporaryDirectory() as scratch:
        seeded_model(f"{scratch}/original")
        config = QuantizeConfig(bits=4, group_size=32, **settings)
        model = GPTQModel.load(f"{scratch}/original", config, device="cpu", backend=BACKEND.TORCH)
        model.quantize(calibration(), batch_size=4, backend=BACKEND.TORCH)
        model.save(f"{scratch}/saved")
        keep(f"{scratch}/saved", into / name)
        read = GPTQModel.load(
            f"{scratch}/saved", device="cpu", backend=BACKEND.TORCH, dtype=torch.float16
        )
        modules = dict(read.model.named_modules())
        return {
            f"{module}.weight": sha256(modules[module].dequantize_weight().T.to(torch.float16))
            for module in KEPT
        }


def autoawq_gemm(source):
    """`awq.modules.linear.gemm` without `awq/__init__.py`."""
    for package in ("awq", "awq.modules", "awq.modules.linear", "awq.utils"):
        module = types.ModuleType(package)
        module.__path__ = [str(pathlib.Path(source, *package.split(".")))]
        sys.modules[package] = module
    return importlib.import_module("awq.modules.linear.gemm")


def by_autoawq(name, source, into):
    gemm = autoawq_gemm(source)
    packing = importlib.import_module("awq.utils.packing_utils")
    generator = torch.Generator().manual_seed(7)
    tensors, expected = {}, {}
    for module, (rows, cols) in zip(KEPT, ((64, 128), (128, 128))):
        weight = torch.randn(rows, cols, generator=generator) * 0.02
        weight[:, 3] *= 20
        groups = weight.reshape(rows, cols // 32, 32)
        low, high = groups.amin(2), groups.amax(2)
        scales = ((high - low).clamp(min=1e-5) / 15).half()
        zeros = (-torch.round(low / scales.float())).clamp(0, 15)
        linear = torch.nn.Linear(cols, rows, bias=False)
        codes = torch.round(groups / scales.float()[..., None]) + zeros[..., None]
        values = (codes.clamp(0, 15) - zeros[..., None]) * scales.float()[..., None]
        linear.weight.data = values.reshape(rows, cols).half()
        packed = gemm.WQLinear_GEMM.from_linear(
            linear, 4, 32, scales=scales.T.contiguous(), zeros=zeros.T.contiguous().half()
        )
        parts = {"qweight": packed.qweight, "qzeros": packed.qzeros, "scales": packed.scales}
        tensors.update({f"{module}.{part}": value.contiguous() for part, value in parts.items()})
        unpacked = packing.dequantize_gemm(packed.qweight, packed.qzeros, packed.scales, 4, 32)
        expected[f"{module}.weight"] = sha256(unpacked.T.to(torch.float16))
    quantization = {
        "quant_method": "awq",
        "bits": 4,
        "group_size": 32,
        "zero_point": True,
        "version": "gemm",
        "modules_to_not_convert": None,
    }
    put(into / name, tensors, quantization)
    return expected


def main():
    into, autoawq = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    checkpoints = {
        f"gptqmodel-{name}": by_gptqmodel(f"gptqmodel-{name}", settings, into)
        for name, settings in SETTINGS.items()
    }
    checkpoints["autoawq-gemm"] = by_autoawq("autoawq-gemm", autoawq, into)
    versions = {
        "gptqmodel": gptqmodel.__version__,
        "autoawq": autoawq.name.removeprefix("autoawq-"),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    expected = {"versions": versions, "checkpoints": checkpoints}
    (into / "gptq-awq.json").write_text(json.dumps(expected, indent=2) + "\n")


main()
