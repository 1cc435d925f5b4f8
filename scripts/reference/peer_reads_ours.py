"""Do transformers, compressed-tensors and GPTQModel read what `assay weights quantize` writes?

    pip install transformers compressed-tensors accelerate gptqmodel
    assay weights quantize MODEL OUT --scheme … --format …
    assay weights dequantize OUT PLAIN --to bf16
    GPTQMODEL_CPU_WORKERS=2 python scripts/reference/peer_reads_ours.py OUT PLAIN

Prints how many matrices and values differ from PLAIN, bit for bit in BF16, after the peer has read
OUT, and the largest difference of the logits, in the peer's own arithmetic.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, CompressedTensorsConfig, FineGrainedFP8Config


def weights_of(path, method):
    """The model, and its weights as the peer unpacks them."""
    if method in ("gptq", "awq"):
        return weights_of_gptqmodel(path, method)
    how = CompressedTensorsConfig if method == "compressed-tensors" else FineGrainedFP8Config
    model = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.bfloat16, quantization_config=how(dequantize=True)
    )
    return model, model.state_dict()


def weights_of_gptqmodel(path, method):
    from gptqmodel import BACKEND, GPTQModel
    from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm

    backend = BACKEND.TORCH_AWQ if method == "awq" else BACKEND.TORCH
    model = GPTQModel.load(path, device="cpu", backend=backend, dtype=torch.bfloat16).model
    weights = dict(model.state_dict())
    for name, module in model.named_modules():
        if not hasattr(module, "qweight"):
            continue
        if method == "awq":
            group = module.qweight.shape[0] // module.scales.shape[0]
            values = dequantize_gemm(module.qweight, module.qzeros, module.scales, 4, group)
        else:
            values = module.dequantize_weight()
        weights[f"{name}.weight"] = values.T
    return model, weights


def main():
    ours, plain = sys.argv[1:]
    config = json.loads(pathlib.Path(ours, "config.json").read_text())
    model, weights = weights_of(ours, config["quantization_config"]["quant_method"])
    expected = load_file(pathlib.Path(plain, "model.safetensors"))
    reference = AutoModelForCausalLM.from_pretrained(plain, dtype=torch.bfloat16)
    differing = {
        name: int((weights[name].to(torch.bfloat16) != value.to(torch.bfloat16)).sum())
        for name, value in expected.items()
    }
    wrong = {name: count for name, count in differing.items() if count > 0}
    ids = (torch.arange(3, 67) * 17 % config["vocab_size"]).view(1, -1)
    with torch.no_grad():
        got, wanted = model(ids).logits.float(), reference(ids).logits.float()
    print(f"{len(expected)} tensors, {len(wrong)} differ in {sum(wrong.values())} values")
    print(f"logits: {(got - wanted).abs().max():.4g} of {wanted.abs().max():.4g} at most")


main()
