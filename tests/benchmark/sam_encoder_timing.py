"""lamina's ViT-B encoder beside PyTorch's segment-anything and OpenVINO: median times and peak memory.

Run: python tests/benchmark/sam_encoder_timing.py build/release/bin/benchmark_sam_encoder [ROUNDS] [SLICESxSIDE ...]
     (torch, segment-anything 1.0, openvino; OMP_NUM_THREADS sets the threads of all)
Every figure comes from a process of its own, and the programs take turns, so that all meet the same load of the machine. The probe
is a matrix product in a process of its own just before, in GFLOP/s and in the same type: where it falls, the machine was busy with
something else. Works: forward without gradients; with_backward, every weight learns; adapters, forward and backward where only
bottlenecks behind both sublayers of each block learn. SIDE is 256 (forward, with_backward), 512 (adapters) or 1024 (forward).
"""
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

REPEATS = 3
THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
FORWARD = [("forward", "tiled"), ("forward", "tiled_bf16"), ("forward", "plain")]
OURS = {256: FORWARD + [("with_backward", "tiled"), ("with_backward", "plain"), ("with_backward", "checkpoint")],
        512: [("adapters", "tiled"), ("adapters", "tiled_bf16")], 1024: FORWARD[:2]}
THEIRS = {256: [("pytorch", "forward", "f32"), ("openvino", "forward", "f32"), ("pytorch", "with_backward", "f32")],
          512: [("pytorch", "adapters", "f32"), ("pytorch", "adapters", "bf16")],
          1024: [(name, "forward", kind) for name in ("pytorch", "openvino") for kind in ("f32", "bf16")]}
NAMES = {"pytorch": "segment-anything", "openvino": "OpenVINO"}


def encoder(side):
    from functools import partial

    import torch
    from segment_anything.modeling.image_encoder import ImageEncoderViT
    torch.manual_seed(1)
    return ImageEncoderViT(img_size=side, patch_size=16, embed_dim=768, depth=12, num_heads=12, mlp_ratio=4, out_chans=256, qkv_bias=True,
                           norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=14, global_attn_indexes=(2, 5, 8, 11))


def adapt(model, channels=768, bottleneck=64):
    """Bottlenecks behind attention and perceptron of every block; nothing else learns."""
    import torch
    model.requires_grad_(False)
    adapters = torch.nn.ModuleList()
    for block in model.blocks:
        for layer in (block.attn, block.mlp):
            adapter = torch.nn.Sequential(torch.nn.Linear(channels, bottleneck), torch.nn.GELU(), torch.nn.Linear(bottleneck, channels))
            layer.register_forward_hook(lambda module, given, output, adapter=adapter: output + adapter(output))
            adapters.append(adapter)
    model.adapters = adapters


def pytorch(work, kind, slices, side):
    import torch
    model, image = encoder(side), torch.randn(slices, 3, side, side)
    if work == "adapters":
        adapt(model)
    autocast = (lambda: torch.autocast("cpu", torch.bfloat16)) if kind == "bf16" else contextlib.nullcontext

    def run():
        with autocast():
            if work == "forward":
                with torch.no_grad():
                    return model(image)
            model.zero_grad(set_to_none=False)
            loss = model(image).float().pow(2).mean()
        return loss.backward()

    return run


def openvino(work, kind, slices, side):
    import openvino
    import torch
    image = torch.randn(slices, 3, side, side)
    with torch.no_grad():
        model = openvino.convert_model(encoder(side).eval(), example_input=image)
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": "LATENCY"})
    return lambda: compiled(image.numpy())


def measure(name, work, kind, slices, side):
    """Times of a reference in this process, by the clock and by the processor, and its peak memory in MiB."""
    import resource
    run = {"pytorch": pytorch, "openvino": openvino}[name](work, kind, slices, side)
    run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter(), time.process_time()
        run()
        times.append((1000 * (time.perf_counter() - start[0]), 1000 * (time.process_time() - start[1])))
    print(json.dumps({"times": times, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def probe(kind):
    import torch
    a = torch.randn(2048, 2048).to(torch.bfloat16 if kind == "bf16" else torch.float32)
    best = 0
    for _ in range(8):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * 2048 ** 3 / (time.perf_counter() - start) / 1e9)
    print(best)


def ask(*words):
    return subprocess.run([sys.executable, __file__, *map(str, words)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def ours(program, work, option, slices, side):
    words = [program, f"--benchmark_filter=^{work}/{option}/{slices}/{side}/", "--benchmark_format=json",
             f"--benchmark_repetitions={REPEATS}", "--benchmark_min_time=0.01"]
    runs = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["benchmarks"]
    runs = [run for run in runs if run["run_type"] == "iteration"]
    return {"times": [(run["real_time"], run["cpu_time"]) for run in runs], "peak": max(run["peak_MiB"] for run in runs)}


def rounds_of(program, rounds, slices, side):
    """(work, kind, program) -> runs."""
    found = {}

    def add(work, kind, name, measured):
        run = {"probe": float(ask("probe", kind)), **measured()}
        found.setdefault((work, kind, name), []).append(run)

    for _ in range(rounds):
        for work, option in OURS[side]:
            add(work, "bf16" if option.endswith("bf16") else "f32", "lamina, " + option, lambda: ours(program, work, option, slices, side))
        for name, work, kind in THEIRS[side]:
            add(work, kind, NAMES[name], lambda: json.loads(ask("measure", name, work, kind, slices, side)))
    return found


def medians(runs):
    return [statistics.median(times[which] for run in runs for times in run["times"]) for which in (0, 1)]


def main(program, rounds, sizes):
    print("| slices, side | work | type | program | ms | processor ms | times segment-anything's | peak MiB | probe |\n" + "| --- " * 9 + "|")
    for slices, side in sizes:
        found = rounds_of(program, rounds, slices, side)
        for (work, kind, name), runs in sorted(found.items()):
            clock, processor = medians(runs)
            base = found.get((work, kind, NAMES["pytorch"]))
            ratio = f"{clock / medians(base)[0]:.2f}" if base else ""
            print(f"| {slices} x {side} | {work} | {kind} | {name} | {clock:.0f} | {processor:.0f} | {ratio} | "
                  f"{min(run['peak'] for run in runs):.0f} | {statistics.median(run['probe'] for run in runs):.0f} |", flush=True)


if sys.argv[1] == "measure":
    measure(*sys.argv[2:5], *map(int, sys.argv[5:7]))
elif sys.argv[1] == "probe":
    probe(sys.argv[2])
else:
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3,
         [tuple(map(int, words.split("x"))) for words in sys.argv[3:]] or [(4, 256), (1, 512), (1, 1024)])
