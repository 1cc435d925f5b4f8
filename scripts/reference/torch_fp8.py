"""E4M3FN as PyTorch has it: SHA-256 of all codes and all BF16 values, under scales of every size.

    pip install torch
    python scripts/reference/torch_fp8.py > test/golden/torch-fp8.json
    npx biome format --write test/golden/torch-fp8.json

Every NaN is made one: 0x7F in E4M3FN, 0x7FC0 in BF16.
"""

import hashlib
import json
import random
import struct
import sys

import torch


def f32(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def scale_bits():
    """Powers of two, ends and middles of the range, subnormals, and 40 of random bits."""
    powers = [(127 + e) << 23 for e in (-126, -100, -30, -9, -8, -1, 0, 1, 8, 30, 127)]
    edges = [0x00000001, 0x00000200, 0x007FFFFF, 0x7F7FFFFF, 0x3F7FFFFF, 0x3F800001]
    # 1/448, and two scales of a trained matrix.
    usual = [0x3B124925, 0x3C4985F0, 0x38D1B717]
    rng = random.Random(20)
    return powers + edges + usual + [rng.randrange(1, 0x7F800000) for _ in range(40)]


def sha256(tensor):
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()


def main():
    codes = torch.arange(256, dtype=torch.int16).to(torch.uint8).view(torch.float8_e4m3fn)
    inputs = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    cases = []
    for bits in scale_bits():
        scale = torch.tensor(f32(bits), dtype=torch.float32)
        decoded = (codes.float() * scale).to(torch.bfloat16)
        decoded_bits = decoded.view(torch.int16)
        decoded_bits[decoded.isnan()] = 0x7FC0
        quotient = inputs.float() / scale
        encoded = quotient.clamp(-448, 448).to(torch.float8_e4m3fn).view(torch.uint8)
        encoded[quotient.isnan()] = 0x7F
        cases.append(
            {
                "scale": f"{bits:08x}",
                "decoded": sha256(decoded_bits),
                "encoded": sha256(encoded),
            }
        )
    json.dump({"torch": torch.__version__, "cases": cases}, sys.stdout)


main()
