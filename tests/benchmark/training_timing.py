"""Times a training step of nnU-Net's hippocampus plan: lamina's benchmark_training and the same network in Python.

    pip install torch==2.11.0 numpy dynamic-network-architectures
    OMP_NUM_THREADS=2 python training_timing.py build/release/bin/benchmark_training [ROUNDS]

The variants take turns, each in a process of its own, and the median over the rounds is printed: on a shared machine
only figures of one call can be compared.
"""
import json
import statistics
import subprocess
import sys
import time

PATCH, BATCH, CLASSES, CHANNELS = (40, 56, 40), 9, 3, (32, 64, 128, 256)
STEPS = 2  # timed steps of a process, as in training_benchmark.cpp
VARIANTS = ("contiguous", "channels_last", "contiguous_bf16", "channels_last_bf16")


def network():
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from torch import nn
    return PlainConvUNet(input_channels=1, n_stages=4, features_per_stage=CHANNELS, conv_op=nn.Conv3d, kernel_sizes=3,
                         strides=[1, 2, 2, 2], n_conv_per_stage=2, num_classes=CLASSES, n_conv_per_stage_decoder=2,
                         conv_bias=True, norm_op=nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
                         nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=True)


def dice_ce(logits, labels):
    """Cross-entropy minus the mean soft Dice of the foreground, as nnU-Net has it."""
    import torch
    probabilities = logits.softmax(1)
    truth = torch.zeros_like(probabilities).scatter_(1, labels, 1)
    axes = (2, 3, 4)
    both, size = (probabilities * truth).sum(axes)[:, 1:], (probabilities.sum(axes) + truth.sum(axes))[:, 1:]
    dice = ((2 * both + 1e-5) / (size + 1e-5).clip(1e-8)).mean()
    return torch.nn.functional.cross_entropy(logits, labels[:, 0]) - dice


def deep_loss(outputs, labels):
    """Weights 1, 1/2, ..., the coarsest 0, scaled to sum 1; labels of coarser outputs by nearest-exact."""
    import torch
    weights = [0.5 ** i for i in range(len(outputs) - 1)]
    total = 0
    for weight, logits in zip(weights, outputs):
        target = torch.nn.functional.interpolate(labels.float(), logits.shape[2:], mode="nearest-exact").long()
        total = total + weight / sum(weights) * dice_ce(logits.float(), target)
    return total


def python_step(variant):
    import torch
    torch.set_num_threads(2)
    torch.manual_seed(1)
    model = network()
    labels = torch.zeros(BATCH, 1, *PATCH, dtype=torch.long)
    labels[:, :, 10:20, 10:40, 10:30], labels[:, :, 20:30, 10:40, 10:30] = 1, 2
    image = torch.randn(BATCH, 1, *PATCH) + labels
    if variant.startswith("channels_last"):
        model, image = model.to(memory_format=torch.channels_last_3d), image.to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.99, nesterov=True, weight_decay=3e-5)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=variant.endswith("bf16")):
            outputs = model(image)
        loss = deep_loss(outputs, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 12)
        optimizer.step()
        return loss.item()

    step()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - start) / STEPS


def lamina_step(program, variant):
    command = [program, f"--benchmark_filter=^training_step/{variant}/", "--benchmark_format=json"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]["real_time"] / 1000


def main():
    if sys.argv[1] == "--one":
        print(python_step(sys.argv[2]))
        return
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seconds = {}
    for _ in range(rounds):
        for variant in VARIANTS:
            seconds.setdefault(("lamina", variant), []).append(lamina_step(program, variant))
            command = [sys.executable, "-W", "ignore", __file__, "--one", variant]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds.setdefault(("Python", variant), []).append(float(text))
    for (side, variant), times in seconds.items():
        print(f"{side:7} {variant:20} {statistics.median(times):7.2f} s a step   ({min(times):.2f} to {max(times):.2f})")
    for variant in VARIANTS:
        ours, theirs = (statistics.median(seconds[side, variant]) for side in ("lamina", "Python"))
        print(f"{variant}: lamina takes {ours / theirs:.2f} of Python's time")


if __name__ == "__main__":
    main()
