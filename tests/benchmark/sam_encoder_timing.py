"""lamina's ViT-B encoder beside PyTorch's segment-anything: four slices of 256 x 256, median times and peak memory.

Run: python tests/benchmark/sam_encoder_timing.py build/release/bin/benchmark_sam_encoder [ROUNDS]
     (torch, segment-anything 1.0; OMP_NUM_THREADS sets the threads of both)
Every figure comes from a process of its own, and the programs take turns, so that both meet the same load of the machine.
Processor time (of all threads) says the most where others compute beside it.
"""
import json
import statistics
import subprocess
import sys
import time

SLICES, SIDE, REPEATS = 4, 256, 3
CASES = [("forward", "tiled"), ("forward", "plain"), ("with_backward", "tiled"), ("with_backward", "plain"), ("with_backward", "checkpoint")]


def reference(work):
    """Times of `work` in this process, by the clock and by the processor, and its peak memory in MiB."""
    import resource
    from functools import partial

    import torch
    from segment_anything.modeling.image_encoder import ImageEncoderViT
    torch.manual_seed(1)
    model = ImageEncoderViT(img_size=SIDE, patch_size=16, embed_dim=768, depth=12, num_heads=12, mlp_ratio=4, out_chans=256, qkv_bias=True,
                            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=14, global_attn_indexes=(2, 5, 8, 11))
    image = torch.randn(SLICES, 3, SIDE, SIDE)

    def run():
        if work == "forward":
            with torch.no_grad():
                return model(image)
        model.zero_grad(set_to_none=False)
        return model(image).pow(2).mean().backward()

    run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter(), time.process_time()
        run()
        times.append((1000 * (time.perf_counter() - start[0]), 1000 * (time.process_time() - start[1])))
    print(json.dumps({"times": times, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def ours(program, work, option):
    words = [program, f"--benchmark_filter={work}/{option}/", "--benchmark_format=json", f"--benchmark_repetitions={REPEATS}", "--benchmark_min_time=0.01"]
    runs = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["benchmarks"]
    runs = [run for run in runs if run["run_type"] == "iteration"]
    return {"times": [(run["real_time"], run["cpu_time"]) for run in runs], "peak": max(run["peak_MiB"] for run in runs)}


def theirs(work):
    return json.loads(subprocess.run([sys.executable, __file__, "reference", work], check=True, capture_output=True, text=True).stdout)


def main(program, rounds):
    found = {}
    for _ in range(rounds):
        for work, option in CASES:
            found.setdefault((work, option), []).append(ours(program, work, option))
        for work in ("forward", "with_backward"):
            found.setdefault((work, "segment-anything"), []).append(theirs(work))
    print("| work | program | ms | processor ms | times segment-anything's | peak MiB |\n| --- | --- | --- | --- | --- | --- |")
    for (work, name), runs in sorted(found.items()):
        clock, processor = medians(runs)
        base = medians(found[work, "segment-anything"])[1]
        print(f"| {work} | {name} | {clock:.0f} | {processor:.0f} | {processor / base:.2f} | {min(run['peak'] for run in runs):.0f} |")


def medians(runs):
    return [statistics.median(times[which] for run in runs for times in run["times"]) for which in (0, 1)]


if sys.argv[1] == "reference":
    reference(sys.argv[2])
else:
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
