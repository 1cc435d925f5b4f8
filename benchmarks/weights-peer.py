"""The published way in Python: a line with a task in, the seconds that it took out.

numpy-quantize ROWS COLS     BF16 -> E4M3FN in blocks of 128x128, in memory
torch-dequantize IN OUT      FP8 blocks of a safetensors file -> BF16, file to file, flushed
torch-quantize IN OUT        BF16 of a safetensors file -> FP8 blocks, file to file, flushed
"""

import os
import sys
import time

import numpy as np

BLOCK = 128


def e4m3_codes(values):
    """f32 of at most 448 in size -> E4M3FN, to nearest, ties to even, as bytes."""
    bits = values.view(np.uint32)
    sign = (bits >> 24) & 0x80
    size = bits & 0x7FFFFFFF
    normal = (size + 0x7FFFF + ((size >> 20) & 1) - (120 << 23)) >> 20
    tiny = (np.abs(values) + np.float32(16384)).view(np.uint32) - 0x46800000
    return (np.where(size < 0x3C800000, tiny, normal) | sign).astype(np.uint8)


def numpy_quantize(rows, cols):
    rng = np.random.default_rng(1)
    bf16 = (rng.normal(0, 0.02, (rows, cols)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    start = time.perf_counter()
    values = (bf16.astype(np.uint32) << 16).view(np.float32)
    tiles = values.reshape(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK)
    absmax = np.abs(tiles).max(axis=(1, 3), keepdims=True)
    scales = np.where(absmax == 0, np.float32(1), absmax / np.float32(448))
    codes = e4m3_codes(np.ascontiguousarray(tiles / scales))
    seconds = time.perf_counter() - start
    assert codes.size == rows * cols
    return seconds


def save(tensors, path):
    from safetensors.torch import save_file

    save_file(tensors, path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def torch_dequantize(source, target):
    import torch
    from safetensors import safe_open

    start = time.perf_counter()
    out = {}
    with safe_open(source, "pt") as file:
        names = set(file.keys())
        for name in names:
            if name.endswith("_scale_inv"):
                continue
            weight = file.get_tensor(name)
            if name + "_scale_inv" in names:
                grid = file.get_tensor(name + "_scale_inv")
                rows, cols = weight.shape
                scale = grid.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)[:rows, :cols]
                weight = (weight.to(torch.float32) * scale).to(torch.bfloat16)
            out[name] = weight.contiguous()
    save(out, target)
    return time.perf_counter() - start


def torch_quantize(source, target):
    import torch
    from safetensors import safe_open

    start = time.perf_counter()
    out = {}
    with safe_open(source, "pt") as file:
        for name in file.keys():
            weight = file.get_tensor(name)
            if weight.ndim == 2 and not any(d % BLOCK for d in weight.shape):
                rows, cols = weight.shape
                tiles = weight.to(torch.float32).view(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK)
                absmax = tiles.abs().amax(dim=(1, 3), keepdim=True)
                scale = torch.where(absmax == 0, torch.ones_like(absmax), absmax / 448)
                codes = (tiles / scale).to(torch.float8_e4m3fn).view(rows, cols)
                out[name + "_scale_inv"] = scale.view(rows // BLOCK, cols // BLOCK).contiguous()
                weight = codes
            out[name] = weight.contiguous()
    save(out, target)
    return time.perf_counter() - start


def version():
    text = f"numpy {np.__version__}"
    try:
        import torch

        return f"{text}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    except ImportError:
        return text


def main():
    for line in sys.stdin:
        task, *words = line.split()
        if task == "version":
            print(version(), flush=True)
        elif task == "numpy-quantize":
            print(numpy_quantize(*map(int, words)), flush=True)
        else:
            work = {"torch-dequantize": torch_dequantize, "torch-quantize": torch_quantize}[task]
            print(work(*words), flush=True)


main()
