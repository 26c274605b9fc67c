"""Values of the adapter lora for adapters/lora/lora_test.cpp, from PyPI `peft`, and of the adapter fact, from its formula.

Run: python tests/parity/make_lora.py   (torch, peft, safetensors)
Every tensor is redrawn: peft's B starts at 0, which would hide A. `merged` is what peft computes after merge_and_unload.
FacT-TT: y_q = W_q x + s V S_q U x, likewise v, nothing for k; U and V are shared by both layers.
"""
import os
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

IN, OUT, RANK, ALPHA = 12, 10, 3, 6
torch.manual_seed(5)


class Maps(torch.nn.Module):
    """q, k and v apart, and an output map: what a fused qkv and a proj are in lamina."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.proj = (torch.nn.Linear(IN, OUT) for _ in range(4))

    def forward(self, x):
        return torch.cat([self.q(x), self.k(x), self.v(x)], -1), self.proj(x)


def redraw(module):
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.copy_(torch.randn_like(tensor) * 0.4)


def lora():
    model = get_peft_model(Maps(), LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=["q", "v", "proj"]))
    redraw(model)
    x = torch.randn(2, 3, 4, IN)
    fused, proj = model(x)
    maps = model.base_model.model
    out = {"input": x, "qkv.weight": torch.cat([maps.q.weight, maps.k.weight, maps.v.weight]),
           "qkv.bias": torch.cat([maps.q.bias, maps.k.bias, maps.v.bias]), "proj.weight": maps.proj.weight, "proj.bias": maps.proj.bias,
           "qkv.output": fused, "proj.output": proj}
    upstream = torch.randn_like(fused)
    (fused * upstream).sum().backward()
    out["qkv.upstream"] = upstream
    for part in ("q", "v"):
        layer = getattr(maps, part)
        for letter, weights in (("a", layer.lora_A), ("b", layer.lora_B)):
            out[f"qkv.linear_{letter}_{part}.weight"] = weights["default"].weight
            out[f"qkv.linear_{letter}_{part}.gradient"] = weights["default"].weight.grad
    out["proj.linear_a.weight"] = maps.proj.lora_A["default"].weight
    out["proj.linear_b.weight"] = maps.proj.lora_B["default"].weight
    out = {name: tensor.detach().clone() for name, tensor in out.items()}
    merged = model.merge_and_unload()
    out["qkv.merged_weight"] = torch.cat([merged.q.weight, merged.k.weight, merged.v.weight]).detach()
    out["proj.merged_weight"] = merged.proj.weight.detach()
    out["qkv.merged_output"] = merged(x)[0].detach()
    return out


def fact():
    scale, rank = 0.5, 4
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64) * 0.4
    u, v, x = draw(rank, IN), draw(OUT, rank), draw(2, 3, 4, IN)
    out = {"input": x, "FacTu.weight": u, "FacTv.weight": v}
    for layer in range(2):
        weight, bias = draw(3 * OUT, IN), draw(3 * OUT)
        cores = {part: draw(rank, rank) for part in "qv"}
        changes = {part: scale * x @ u.T @ core.T @ v.T for part, core in cores.items()}
        plain = x @ weight.T + bias
        out |= {f"{layer}.weight": weight, f"{layer}.bias": bias,
                f"{layer}.output": plain + torch.cat([changes["q"], torch.zeros_like(changes["q"]), changes["v"]], -1)}
        out |= {f"{layer}.{part}_FacTs.weight": core for part, core in cores.items()}
    return {name: tensor.to(torch.float32) for name, tensor in out.items()}


for name, tensors in (("lora", lora()), ("fact", fact())):
    file = pathlib.Path(__file__).with_name(f"{name}.safetensors")
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, file)
    os.chmod(file, 0o644)
    print(file.name, file.stat().st_size, "bytes")
