"""Weights of evidence into a logistic regression, and the choice of characteristics."""

import math

import numpy as np

from . import binning

RIDGE = 1e-6
MIN_INFORMATION_VALUE = 0.02


def bins_for(characteristic, rows, bad):
    values = [row[characteristic.name] for row in rows]
    total = len(rows)
    if characteristic.kind == "number":
        bins = binning.number_bins(values, bad, list(characteristic.edges))
        bins = binning.merge(bins, total, monotone=True)
    else:
        ordered = characteristic.kind == "ordered"
        bins = binning.code_bins(values, bad, list(characteristic.codes), ordered)
        bins = binning.merge(bins, total, monotone=ordered)
    total_bad = sum(bad)
    binning.weigh(bins, total - total_bad, total_bad)
    return bins


def newton(x, good, steps=50):
    """Maximum likelihood with a trace of ridge; x has a leading column of ones. Deterministic."""
    weights = np.zeros(x.shape[1])
    penalty = np.full(x.shape[1], RIDGE)
    penalty[0] = 0.0
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-(x @ weights)))
        gradient = x.T @ (good - p) - penalty * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights = weights + step
        if np.max(np.abs(step)) < 1e-12:
            break
    return weights, np.linalg.inv(hessian)


def design(rows, chosen):
    columns = [np.ones(len(rows))]
    for name, bins in chosen:
        columns.append(np.array([binning.woe_of(bins, row[name]) for row in rows]))
    return np.column_stack(columns)


def fit(characteristics, rows, bad, min_z=0.0):
    """Bins, choice and weights from these rows only. A characteristic must carry information and run the way common sense says; a weight must be positive and at least min_z standard errors from zero:
    the weakest one that is not is taken out, and the rest fitted again."""
    total_bad = sum(bad)
    total_good = len(bad) - total_bad
    good = np.array([0.0 if b else 1.0 for b in bad])
    chosen = []
    for c in characteristics:
        bins = bins_for(c, rows, bad)
        informative = binning.information_value(bins, total_good, total_bad) >= MIN_INFORMATION_VALUE
        if informative and binning.runs_as(bins, c.better):
            chosen.append((c.name, bins))
    while True:
        x = design(rows, chosen)
        weights, covariance = newton(x, good)
        z = [weights[i + 1] / math.sqrt(covariance[i + 1, i + 1]) for i in range(len(chosen))]
        worst = min(range(len(z)), key=lambda i: z[i])
        if z[worst] > min_z or len(chosen) == 1:
            return chosen, weights
        del chosen[worst]


def score_good(rows, chosen, weights):
    """Log-odds of being good."""
    return design(rows, chosen) @ weights


def auc(log_odds_good, bad):
    """Chance that a good row is ranked above a bad one; ties count half."""
    order = np.argsort(log_odds_good, kind="stable")
    ranks = np.empty(len(order))
    sorted_scores = log_odds_good[order]
    i = 0
    while i < len(order):
        j = i
        while j + 1 < len(order) and sorted_scores[j + 1] == sorted_scores[i]:
            j += 1
        ranks[order[i : j + 1]] = (i + j) / 2 + 1
        i = j + 1
    good = ~np.asarray(bad)
    n_good, n_bad = int(good.sum()), int((~good).sum())
    return (ranks[good].sum() - n_good * (n_good + 1) / 2) / (n_good * n_bad)


def ks(log_odds_good, bad):
    """Widest gap between the two cumulative distributions, taken only between different scores."""
    bad = np.asarray(bad)
    order = np.argsort(log_odds_good, kind="stable")
    scores, is_bad = log_odds_good[order], bad[order]
    cumulative_bad = np.cumsum(is_bad) / is_bad.sum()
    cumulative_good = np.cumsum(~is_bad) / (~is_bad).sum()
    ends = np.append(scores[1:] != scores[:-1], True)
    return float(np.max(np.abs(cumulative_bad - cumulative_good)[ends]))


def stratified_folds(bad, folds, seed):
    """Fold numbers with the same bad rate in each; numpy's PCG64 gives the same order everywhere."""
    rng = np.random.Generator(np.random.PCG64(seed))
    fold = np.zeros(len(bad), dtype=int)
    for kind in (True, False):
        members = [i for i, b in enumerate(bad) if b == kind]
        for position, member in enumerate(rng.permutation(len(members))):
            fold[members[member]] = position % folds
    return fold


def cross_validate(characteristics, rows, bad, folds, repeats, min_z=0.0):
    """Everything (bins, choice, weights) is learned inside each fold. Returns per-fold AUC and KS and mean out-of-fold log-odds."""
    aucs, kss = [], []
    total = np.zeros(len(rows))
    for repeat in range(repeats):
        fold = stratified_folds(bad, folds, seed=repeat + 1)
        for k in range(folds):
            train = [i for i in range(len(rows)) if fold[i] != k]
            test = [i for i in range(len(rows)) if fold[i] == k]
            chosen, weights = fit(characteristics, [rows[i] for i in train], [bad[i] for i in train], min_z)
            scores = score_good([rows[i] for i in test], chosen, weights)
            labels = [bad[i] for i in test]
            aucs.append(float(auc(scores, labels)))
            kss.append(ks(scores, labels))
            total[test] += scores
    return aucs, kss, total / repeats
