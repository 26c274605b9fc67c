"""Golden values of the paired bootstrap: numpy's means and percentiles of resamples drawn by lamina's own generator.

Writes statistics.json beside this file. Run with: python make_statistics.py
"""
import json
import pathlib

import numpy as np

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(bits):
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & MASK
    return bits ^ bits >> 31


def hash_name(name):
    value = 0xCBF29CE484222325
    for letter in name.encode():
        value = (value ^ letter) * 0x100000001B3 & MASK
    return value


class Random:
    """core/include/lamina/base/random.hpp."""

    def __init__(self, seed, key):
        self.state = mix(seed + GOLDEN & MASK)
        self.state = mix(self.state * 0xD1342543DE82EF95 + mix(key + GOLDEN & MASK) & MASK)

    def below(self, n):
        surplus = (2**64 - n) % n
        while True:
            self.state = self.state + GOLDEN & MASK
            drawn = mix(self.state)
            if drawn >= surplus:
                return drawn % n


def bootstrap(differences, draws, seed):
    random = Random(seed, hash_name("bootstrap"))
    n = len(differences)
    return np.array([differences[[random.below(n) for _ in range(n)]].mean() for _ in range(draws)])


def case(name, variant, baseline, draws, alpha, seed):
    difference = np.array(variant, float) - np.array(baseline, float)
    kept = difference[np.isfinite(difference)]
    low, high = np.percentile(bootstrap(kept, draws, seed), [100 * alpha / 2, 100 * (1 - alpha / 2)])
    numbers = lambda values: [None if v != v else v for v in values]
    return dict(name=name, variant=numbers(variant), baseline=numbers(baseline), draws=draws, alpha=alpha, seed=seed,
                mean=kept.mean(), sd=kept.std(ddof=1), low=low, high=high, pairs=len(kept),
                dropped=len(difference) - len(kept))


def main():
    nan = float("nan")
    a = [.91, .88, .93, .85, .90, .79, .95, .87, .92, .84, .89, .90]
    b = [.90, .86, .93, .83, .91, .75, .94, .86, .90, .84, .88, .87]
    rng = np.random.default_rng(5)
    many = np.round(rng.normal(0.8, 0.1, 60), 4).tolist()
    other = np.round(np.array(many) - rng.gamma(2, 0.01, 60), 4).tolist()
    cases = [case("twelve cases", a, b, 2000, 0.05, 1),
             case("undefined pairs are dropped", a[:5] + [nan] + a[6:], b[:2] + [nan] + b[3:], 1000, 0.05, 7),
             case("sixty cases, ninety per cent", many, other, 1000, 0.1, 123456789)]
    text = "[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n"
    pathlib.Path(__file__).with_name("statistics.json").write_text(text)


if __name__ == "__main__":
    main()
