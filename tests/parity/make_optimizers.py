"""Five steps of Python torch's AdamW and SGD, for plugins/optimizers/basic/optimizers_test.cpp.

Run: python tests/parity/make_optimizers.py   (torch 2.11, safetensors)
"""
import pathlib

import torch
from safetensors.torch import save_file

torch.manual_seed(3)
start = {"layer.weight": torch.randn(4, 3), "layer.bias": torch.randn(4)}
adam = dict(betas=(0.8, 0.9), eps=1e-6)
settings = {
    "adamw": lambda w, b: torch.optim.AdamW([w, b], weight_decay=0.1, foreach=False, **adam),
    "adamw_weights": lambda w, b: torch.optim.AdamW(
        [{"params": [w], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}], foreach=False, **adam),
    "sgd": lambda w, b: torch.optim.SGD([w, b], lr=1, momentum=0.99, nesterov=True, weight_decay=0.1),
    "sgd_plain": lambda w, b: torch.optim.SGD([w, b], lr=1, weight_decay=0.1),
    "sgd_heavy_ball": lambda w, b: torch.optim.SGD([w, b], lr=1, momentum=0.9),
}
out = {f"start.{name}": tensor for name, tensor in start.items()}
for setting, make in settings.items():
    parameters = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    optimizer = make(parameters["layer.weight"], parameters["layer.bias"])
    for step in range(5):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (step + 1)
        optimizer.zero_grad()
        sum(((p - 0.1 * step) ** 4).sum() / 4 for p in parameters.values()).backward()
        optimizer.step()
        out.update({f"{setting}.{step}.{name}": p.detach().clone() for name, p in parameters.items()})
save_file(out, pathlib.Path(__file__).with_name("optimizers.safetensors"))
