"""A real vLLM engine on a random model: 3 layers, 60 experts, top 4. Minutes, so only on demand:
ASSAY_VLLM_SERVER=1. Needs a vLLM that runs here (a GPU, or a build for CPUs) and transformers.

ASSAY_VLLM_GRAPHS=1 leaves compilation and CUDA graphs on, as servers run; on CPUs vLLM compiles
the router away, so that only an eager engine is traced there. ASSAY_VLLM_RETURN=1 also has the
server return the routed experts, and compares. ASSAY_VLLM_ARGS: more arguments of LLM, as JSON.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

PROMPTS, NEW_TOKENS, LAYERS = (5, 90, 17, 30, 8, 2), 12, 3

SCRIPT = """
import json, os, sys, torch
from vllm import LLM, SamplingParams

if __name__ == "__main__":
    engine = LLM(
        sys.argv[1], skip_tokenizer_init=True, max_model_len=256, max_num_seqs=4,
        max_num_batched_tokens=64, enable_prefix_caching=True,
        enforce_eager=os.environ.get("ASSAY_VLLM_GRAPHS") != "1",
        enable_return_routed_experts=os.environ.get("ASSAY_VLLM_RETURN") == "1",
        **json.loads(os.environ.get("ASSAY_VLLM_ARGS", "{}")),
    )
    draw = torch.Generator().manual_seed(1)
    prompts = [
        {"prompt_token_ids": torch.randint(0, 512, (n,), generator=draw).tolist()}
        for n in json.loads(sys.argv[2])
    ]
    params = SamplingParams(
        temperature=0, max_tokens=int(sys.argv[3]), ignore_eos=True, detokenize=False
    )
    # One by one: which requests share a batch, and so how sums are rounded, is chance otherwise.
    alone = [engine.generate([p], params, use_tqdm=False)[0].outputs[0].token_ids for p in prompts]
    results = [{"alone": [list(tokens) for tokens in alone]}]
    engine.reset_prefix_cache()
    for output in engine.generate(prompts, params, use_tqdm=False):
        choice = output.outputs[0]
        experts = getattr(choice, "routed_experts", None)
        results.append({
            "id": output.request_id,
            "tokens": list(choice.token_ids),
            "experts": None if experts is None else experts.tolist(),
        })
    print("RESULTS " + json.dumps(results))
"""


def make_model(folder: str) -> None:
    import torch
    from transformers import Qwen2MoeConfig, Qwen2MoeForCausalLM

    torch.manual_seed(0)
    config = Qwen2MoeConfig(
        vocab_size=512,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        num_key_value_heads=2,
        moe_intermediate_size=64,
        shared_expert_intermediate_size=128,
        num_experts=60,
        num_experts_per_tok=4,
        norm_topk_prob=False,
        max_position_embeddings=512,
        decoder_sparse_step=1,
    )
    model = Qwen2MoeForCausalLM(config).to(torch.bfloat16)
    for name, parameter in model.named_parameters():
        if "gate.weight" in name:
            parameter.data.normal_(0, 0.5)
    model.save_pretrained(folder)


@unittest.skipUnless(os.environ.get("ASSAY_VLLM_SERVER") == "1", "set ASSAY_VLLM_SERVER=1")
class Engine(unittest.TestCase):
    def run_engine(self, model: str, trace: str) -> list[dict[str, Any]]:
        script = Path(model, "run.py")
        script.write_text(SCRIPT)
        env = {**os.environ, "VLLM_LOG_MOE": trace, "VLLM_LOG_MOE_LAYER": "all"}
        command = [sys.executable, str(script), model, json.dumps(PROMPTS), str(NEW_TOKENS)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        print("\n".join(line for line in done.stderr.splitlines() if "MoE" in line))
        print("\n".join(line for line in done.stdout.splitlines() if "MoE" in line))
        for line in done.stdout.splitlines():
            if line.startswith("RESULTS "):
                return json.loads(line.removeprefix("RESULTS "))
        self.fail(done.stdout[-4000:] + done.stderr[-4000:])

    def test_every_token_of_every_request_has_its_routes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            make_model(folder)
            plain = self.run_engine(folder, "")
            path = Path(folder, "trace.jsonl")
            traced = self.run_engine(folder, str(path))
            lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual(plain[0], traced[0])
        meta, *routes = lines
        shape = (meta["top_k"], meta["num_experts"], meta["norm_topk_prob"])
        self.assertEqual(shape, (4, 60, False))
        print(Counter(route["phase"] for route in routes))
        real = [route for route in routes if route["phase"] in ("prefill", "decode")]
        for result, prompt in zip(traced[1:], PROMPTS):
            mine = [r for r in real if r["req_id"].rsplit("-", 1)[0] == result["id"]]
            # The last token is never fed back; a cached prefix is not computed again.
            expected = [
                (at, layer, "prefill" if at < prompt else "decode")
                for at in range(prompt + NEW_TOKENS - 1)
                for layer in range(LAYERS)
            ]
            got = [(r["token_idx"], r["layer"], r["phase"]) for r in mine]
            self.assertEqual(got, expected)
            if result["experts"] is not None:
                self.assertEqual(
                    [sorted(r["topk_ids"]) for r in mine],
                    [sorted(ids) for token in result["experts"] for ids in token],
                )
        # In bfloat16 a share is rounded by up to 2^-9 of itself. On CPUs vLLM takes
        # exp(logit - logsumexp) in it, where two roundings of values below 16 add up to 2^-4.
        most = math.exp(2**-4) if meta["device"] == "cpu" else 1 + 2**-8
        for route in real:
            self.assertEqual(len(set(route["topk_ids"])), 4)
            self.assertTrue(0 < sum(route["topk_weights"]) <= most)


if __name__ == "__main__":
    unittest.main()
