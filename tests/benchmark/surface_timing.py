"""Times surface-distance and MedPy beside benchmark_surface: the same masks, the same machine, the same run.

    pip install numpy scipy MedPy surface-distance
    python surface_timing.py build/release/bin/benchmark_surface

Prints seconds, peak memory above the masks and the values, and how many times faster lamina is.
"""
import json
import resource
import subprocess
import sys
import time

import numpy as np

SIZE, SPACING, SHIFT, TOLERANCE = (200, 512, 512), (1.5, 0.8, 0.8), (2, 5, -7), 1.0


def ellipsoid(shift):
    parts = [((np.arange(n) - (n / 2 + s)) / (0.3 * n)) ** 2 for n, s in zip(SIZE, shift)]
    return parts[0][:, None, None] + parts[1][:, None] + parts[2] <= 1


def by_surface_distance(prediction, reference):
    import surface_distance
    surfaces = surface_distance.compute_surface_distances(reference, prediction, SPACING)
    return {"hd95": surface_distance.compute_robust_hausdorff(surfaces, 95),
            "nsd": surface_distance.compute_surface_dice_at_tolerance(surfaces, TOLERANCE)}


def by_medpy(prediction, reference):
    from medpy.metric import binary
    masks = prediction, reference
    return {"hd95_pooled": binary.hd95(*masks, SPACING), "assd": binary.assd(*masks, SPACING)}


def timed(name):
    """In a process of its own, so that its peak memory is its own."""
    prediction, reference = ellipsoid(SHIFT), ellipsoid((0, 0, 0))
    work = {"surface-distance": by_surface_distance, "MedPy": by_medpy}[name]
    work(prediction[60:70, 200:220, 200:220], prediction[60:70, 200:220, 200:220])  # imports are not timed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    values = work(prediction, reference)
    seconds = time.perf_counter() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"seconds": seconds, "mebibytes": peak, "values": {k: float(v) for k, v in values.items()}}


def lamina(program, name):
    """One benchmark per process, for the same reason."""
    command = [program, f"--benchmark_filter={name}", "--benchmark_format=json"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    one = json.loads(out)["benchmarks"][0]
    values = {k: one[k] for k in ("hd95", "nsd", "assd") if k in one}
    return {"seconds": one["real_time"] / 1000, "mebibytes": one["MiB_above_masks"], "values": values}


def main():
    if sys.argv[1] == "--one":
        print(json.dumps(timed(sys.argv[2])))
        return
    rows = {name: lamina(sys.argv[1], name) for name in ("border_voxels", "surface_areas")}
    for name in ("surface-distance", "MedPy"):
        command = [sys.executable, "-W", "ignore", __file__, "--one", name]
        rows[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name, row in rows.items():
        values = "  ".join(f"{k} {v:.6g}" for k, v in row["values"].items())
        print(f"{name:18} {row['seconds']:8.3f} s {row['mebibytes']:8.0f} MiB   {values}")
    for ours, theirs in (("surface_areas", "surface-distance"), ("border_voxels", "MedPy")):
        print(f"{ours} is {rows[theirs]['seconds'] / rows[ours]['seconds']:.1f} times as fast as {theirs}")


if __name__ == "__main__":
    main()
