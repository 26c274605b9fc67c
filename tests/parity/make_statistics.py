"""Golden values of lamina's statistics: numpy, scipy and statsmodels on the same numbers and the same resamples.

Resamples are drawn by lamina's own generator, spelled out below, so that intervals can be compared to the last digits.
Writes statistics.json beside this file. Run with: python make_statistics.py
"""
import json
import math
import pathlib
import types

import numpy as np
import scipy.stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

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

    def bits(self):
        self.state = self.state + GOLDEN & MASK
        return mix(self.state)

    def below(self, n):
        surplus = (2**64 - n) % n
        while True:
            drawn = self.bits()
            if drawn >= surplus:
                return drawn % n


def hierarchical_means(table, draws, seed):
    """Seeds (columns) are drawn first, then units (rows), once for all drawn seeds; a single seed is not drawn."""
    random = Random(seed, hash_name("bootstrap"))
    n, k = table.shape
    means = []
    for _ in range(draws):
        seeds = [0] if k == 1 else [random.below(k) for _ in range(k)]
        units = [random.below(n) for _ in range(n)]
        means.append(table[np.ix_(units, seeds)].mean())
    return np.array(means)


def bca(samples, statistic, means, alpha):
    """scipy's BCa limits for a bootstrap distribution that exists already."""
    before = types.SimpleNamespace(bootstrap_distribution=np.round(means, 13))  # so that ties with the mean are ties
    result = scipy.stats.bootstrap(samples, lambda *x: np.round(statistic(*x), 13), n_resamples=0, bootstrap_result=before, method="BCa",
                                   confidence_level=1 - alpha, vectorized=False)
    return list(result.confidence_interval)


def sign_flip_draws(differences, draws, seed):
    random = Random(seed, hash_name("sign_flip"))
    observed, as_far = abs(differences.sum()), 1
    for _ in range(draws):
        signs = []
        while len(signs) < len(differences):
            bits = random.bits()
            signs += [1 if bits >> i & 1 else -1 for i in range(64)]
        as_far += abs((differences * signs[:len(differences)]).sum()) >= observed - 1e-12
    return as_far / (draws + 1)


def numbers(values):
    return [numbers(v) if isinstance(v, (list, np.ndarray)) else None if v != v else float(v) for v in values]


def interval_case(name, table, draws, alpha, seed):
    table = np.round(np.array(table, float), 4)
    n, k = table.shape
    means = hierarchical_means(table, draws, seed)
    low, high = np.percentile(means, [100 * alpha / 2, 100 * (1 - alpha / 2)])
    if k == 1:
        bca_limits = bca((table[:, 0],), lambda x: np.mean(x), means, alpha)
    else:  # the mean of an additive table moves with the rows' means and with the columns' means
        middle = table.mean()
        bca_limits = bca((table.mean(1), table.mean(0)), lambda x, y: np.mean(x) + np.mean(y) - middle, means, alpha)
    return dict(name=name, table=numbers(table), draws=draws, alpha=alpha, seed=seed, mean=table.mean(), low=low,
                high=high, bca=bca_limits)


def paired_case(name, a, b):
    """Everything about one list of paired differences."""
    d = np.round(np.array(a, float) - np.array(b, float), 9)
    kept = d[d != 0]
    no_ties = len(np.unique(abs(kept))) == len(kept)
    exact = no_ties and len(kept) <= 25
    wilcox = scipy.stats.wilcoxon(kept, method="exact" if exact else "asymptotic")
    pratt_exact = exact and len(kept) == len(d)
    pratt = scipy.stats.wilcoxon(d, zero_method="pratt", method="exact" if pratt_exact else "asymptotic")
    ranks = scipy.stats.rankdata(abs(kept))
    t = scipy.stats.ttest_1samp(d, 0)
    limits = t.confidence_interval(0.95)
    flips = scipy.stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf) \
        if len(d) <= 20 else None
    u = scipy.stats.mannwhitneyu(a, b).statistic
    effect = abs(d.mean()) / d.std(ddof=1)
    needed = TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8)
    return dict(name=name, a=numbers(a), b=numbers(b), wilcox=[wilcox.statistic, wilcox.pvalue],
                pratt=[pratt.statistic, pratt.pvalue], exact=bool(exact),
                sign_flip=flips.pvalue if flips is not None else sign_flip_draws(d, 2000, 11),
                t=t.statistic, t_p=t.pvalue, t_interval=[limits.low, limits.high], mean=d.mean(), sd=d.std(ddof=1),
                rank_biserial=(ranks[kept > 0].sum() - ranks[kept < 0].sum()) / ranks.sum(),
                cliffs_delta=2 * u / len(a) / len(b) - 1, wins=int((d > 0).sum()), losses=int((d < 0).sum()),
                units_needed=math.ceil(needed))


def spread_case(name, table):
    """Mean squares of units, seeds and rest by least squares; NaN cells are missing."""
    table = np.round(np.array(table, float), 6)
    rows = [dict(y=v, unit=f"u{i}", seed=f"s{j}") for i, row in enumerate(table) for j, v in enumerate(row) if v == v]
    columns = {key: np.array([row[key] for row in rows]) for key in ("y", "unit", "seed")}
    anova = anova_lm(ols("y ~ C(unit) + C(seed)", data=columns).fit(), typ=2)
    square = anova["sum_sq"] / anova["df"]
    return dict(name=name, table=numbers(table), seeds=square["C(seed)"], seeds_df=anova["df"]["C(seed)"],
                rest=square["Residual"], rest_df=anova["df"]["Residual"])


def main():
    rng = np.random.default_rng(5)
    a = [.91, .88, .93, .85, .90, .79, .95, .87, .92, .84, .89, .90]
    b = [.90, .86, .93, .83, .91, .75, .94, .86, .90, .84, .88, .87]
    many = np.round(rng.normal(0.8, 0.1, 60), 4)
    other = np.round(many - rng.gamma(2, 0.01, 60) + 0.012, 4)
    some, more = np.round(rng.normal(0.8, 0.1, (2, 18)), 7)
    seeds = rng.normal(0, 1, (14, 1)) + rng.normal(0, 0.5, (1, 4)) + rng.normal(0, 0.3, (14, 4))
    holes = seeds.copy()
    holes[3, 1] = holes[8, 0] = holes[8, 2] = np.nan
    p = np.round(rng.uniform(0, 0.2, 9), 4).tolist() + [0.9, 0.0001, 0.0001]
    x, y = rng.integers(0, 6, (2, 15)).astype(float)
    golden = dict(
        intervals=[
            interval_case("twelve cases", np.array([a]).T - np.array([b]).T, 2000, 0.05, 1),
            interval_case("sixty skewed cases, ninety per cent", (many - other)[:, None], 1000, 0.1, 123456789),
            interval_case("three seeds, skewed units", rng.gamma(1, 0.1, (15, 1)) + rng.normal(0, 0.05, (15, 3)) - 0.06, 2000, 0.05, 3)],
        paired=[paired_case("twelve cases with ties and zeros", a, b), paired_case("sixty cases", many, other),
                paired_case("eighteen cases without ties", some, more),
                paired_case("one zero, no ties", np.append(some, 0.5), np.append(more, 0.5))],
        spreads=[spread_case("complete", seeds), spread_case("with holes", holes)],
        holm=dict(p=p, adjusted=multipletests(p, method="holm")[1].tolist()),
        kendall=dict(x=x.tolist(), y=y.tolist(), tau=scipy.stats.kendalltau(x, y).statistic),
        t=[dict(t=t, df=df, p=2 * scipy.stats.t.sf(t, df), q=scipy.stats.t.ppf(0.975, df)) for t, df in [(2.1, 3.37), (0.3, 1.2), (5, 39)]],
        f=[dict(f=f, above=d1, below=d2, p=scipy.stats.f.sf(f, d1, d2)) for f, d1, d2 in [(2.2, 4, 156), (0.5, 12, 3)]],
        power=[dict(ncp=ncp, df=df, alpha=al, power=scipy.stats.nct.sf(scipy.stats.t.ppf(1 - al / 2, df), df, ncp)
                    + scipy.stats.nct.cdf(-scipy.stats.t.ppf(1 - al / 2, df), df, ncp)) for ncp, df, al in [(2.0, 39, 0.05), (1.1, 3.5, 0.1), (3, 12, 0.01)]])
    pathlib.Path(__file__).with_name("statistics.json").write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
