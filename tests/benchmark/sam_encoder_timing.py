"""lamina's ViT-B encoder beside PyTorch's segment-anything and OpenVINO: median times and peak memory.

Run: python tests/benchmark/sam_encoder_timing.py build/release/bin/benchmark_sam_encoder [ROUNDS] [SLICESxSIDE ...]
     (torch, segment-anything 1.0, openvino; OMP_NUM_THREADS sets the threads of all)
Every figure comes from a process of its own, and the programs take turns, so that all meet the same load of the machine. The probe
is a matrix product in a process of its own just before, in GFLOP/s: where it falls, the machine was busy with something else.
"""
import json
import os
import statistics
import subprocess
import sys
import time

REPEATS = 3
THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
OURS = [("forward", "tiled"), ("forward", "plain"), ("with_backward", "tiled"), ("with_backward", "plain"), ("with_backward", "checkpoint")]


def encoder(side):
    from functools import partial

    import torch
    from segment_anything.modeling.image_encoder import ImageEncoderViT
    torch.manual_seed(1)
    return ImageEncoderViT(img_size=side, patch_size=16, embed_dim=768, depth=12, num_heads=12, mlp_ratio=4, out_chans=256, qkv_bias=True,
                           norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=14, global_attn_indexes=(2, 5, 8, 11))


def pytorch(work, slices, side):
    import torch
    model, image = encoder(side), torch.randn(slices, 3, side, side)

    def run():
        if work == "forward":
            with torch.no_grad():
                return model(image)
        model.zero_grad(set_to_none=False)
        return model(image).pow(2).mean().backward()

    return run


def openvino(work, slices, side):
    import openvino
    import torch
    image = torch.randn(slices, 3, side, side)
    with torch.no_grad():
        model = openvino.convert_model(encoder(side).eval(), example_input=image)
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
    return lambda: compiled(image.numpy())


def measure(name, work, slices, side):
    """Times of a reference in this process, by the clock and by the processor, and its peak memory in MiB."""
    import resource
    run = {"pytorch": pytorch, "openvino": openvino}[name](work, slices, side)
    run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter(), time.process_time()
        run()
        times.append((1000 * (time.perf_counter() - start[0]), 1000 * (time.process_time() - start[1])))
    print(json.dumps({"times": times, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def probe():
    import torch
    a = torch.randn(1024, 1024)
    best = 0
    for _ in range(8):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * 1024 ** 3 / (time.perf_counter() - start) / 1e9)
    print(best)


def ask(*words):
    return subprocess.run([sys.executable, __file__, *map(str, words)], check=True, capture_output=True, text=True).stdout


def ours(program, work, option, slices, side):
    words = [program, f"--benchmark_filter={work}/{option}/{slices}/{side}/", "--benchmark_format=json",
             f"--benchmark_repetitions={REPEATS}", "--benchmark_min_time=0.01"]
    runs = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["benchmarks"]
    runs = [run for run in runs if run["run_type"] == "iteration"]
    return {"times": [(run["real_time"], run["cpu_time"]) for run in runs], "peak": max(run["peak_MiB"] for run in runs)}


def rounds_of(program, rounds, slices, side):
    """(work, program) -> runs; training is compared on small slices only."""
    found = {}

    def add(key, run):
        run["probe"] = float(ask("probe"))
        found.setdefault(key, []).append(run)

    works = ("forward", "with_backward") if side <= 512 else ("forward",)
    for _ in range(rounds):
        for work, option in OURS:
            if work in works:
                add((work, option), ours(program, work, option, slices, side))
        for work in works:
            add((work, "segment-anything"), json.loads(ask("measure", "pytorch", work, slices, side)))
        add(("forward", "OpenVINO"), json.loads(ask("measure", "openvino", "forward", slices, side)))
    return found


def medians(runs):
    return [statistics.median(times[which] for run in runs for times in run["times"]) for which in (0, 1)]


def main(program, rounds, sizes):
    print("| slices, side | work | program | ms | processor ms | times segment-anything's | peak MiB | probe |\n" + "| --- " * 8 + "|")
    for slices, side in sizes:
        found = rounds_of(program, rounds, slices, side)
        for (work, name), runs in sorted(found.items()):
            clock, processor = medians(runs)
            base = medians(found[work, "segment-anything"])[0]
            print(f"| {slices} x {side} | {work} | {name} | {clock:.0f} | {processor:.0f} | {clock / base:.2f} | "
                  f"{min(run['peak'] for run in runs):.0f} | {statistics.median(run['probe'] for run in runs):.0f} |", flush=True)


if sys.argv[1] == "measure":
    measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
elif sys.argv[1] == "probe":
    probe()
else:
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3,
         [tuple(map(int, words.split("x"))) for words in sys.argv[3:]] or [(4, 256), (1, 1024)])
