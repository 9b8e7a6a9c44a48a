"""The model card: what the card is for, how good it is, what it reads and what it must not be used for."""

import numpy as np

from . import card as cards


def model_card(built, rows, bad, measured, model):
    points = np.array([float(p) for p in cards.rows_by_points(built, rows)])
    in_sample = float(model.auc(points, bad))
    return "\n".join(head(built) + quality(built, measured, in_sample) + table(built) + bands(points, bad) + limits(built)) + "\n"


def head(built):
    c = built["calibration"]
    return [
        f"# Model card: {built['name']}",
        "",
        "Written by `ml/train.sh`; do not edit.",
        "",
        "| | |",
        "|---|---|",
        "| purpose | application scorecard (A card) for consumer instalment loans: grade, limit and price of policy `consumer-1` |",
        f"| data | {built['data']['set']}, {built['data']['rows']} rows, {built['data']['licence']} |",
        f"| target | {built['target']} |",
        "| method | weights of evidence (monotone bins for ordered characteristics), logistic regression, integer points |",
        "| never read | age, sex and marital status, foreign-worker status, birthplace; no amount of money as such; no device, ip or in-app behaviour |",
        f"| scale | {built['scaling']['base_score']} points = odds {built['scaling']['base_odds']}:1 of being good, "
        f"{built['scaling']['pdo']} points double the odds |",
        f"| calibration | sample bad rate {c['sample_bad_rate']:.0%} (by design of the data set) shifted to an **assumed** "
        f"{c['assumed_bad_rate']:.0%} (a parameter of the training, not a finding); slope {c['slope']} from out-of-fold log-odds |",
        "| owner | risk; validated by nobody yet outside this script: a licensed lender must validate it on its own book before use |",
        "",
    ]


def quality(built, measured, in_sample):
    lines = [
        "## Quality",
        "",
        f"{built['validation']['method']}; bins, choice and weights are learned inside each fold; no seed was chosen.",
        "Mean and standard deviation over the folds:",
        "",
        "| | AUC | KS |",
        "|---|---|---|",
    ]
    for m in measured:
        lines.append(f"| {m['label']} | {m['auc']:.4f} ± {m['auc_sd']:.4f} | {m['ks']:.4f} ± {m['ks_sd']:.4f} |")
    return lines + ["", f"In-sample AUC of the integer points: {in_sample:.4f} (it saw these rows: not a measure of quality).", ""]


def table(built):
    lines = ["## Points", "", "| characteristic | bin | rows | bad rate | WOE | points |", "|---|---|---|---|---|---|"]
    for c in built["characteristics"]:
        for b in c["bins"]:
            lines.append(f"| `{c['name']}` | {where(b)} | {b['rows']} | {b['bad_rate']:.1%} | {b['woe']:+.4f} | {b['points']} |")
        lines.append(f"| `{c['name']}` | not given | - | - | +0.0000 | {c['missing']['points']} |")
    return lines + ["", "*Not given* is neutral; the policy sends such an application to a person.", ""]


def where(b):
    if "codes" in b:
        return ", ".join(f"`{code}`" for code in b["codes"])
    if "from" not in b:
        return f"below {b['below']}"
    if "below" not in b:
        return f"{b['from']} and more"
    return f"{b['from']} to below {b['below']}"


def bands(points, bad):
    is_bad = np.array(bad)
    order = np.argsort(points, kind="stable")
    lines = ["## Tenths of the sample by points (in-sample)", "", "| points | rows | bad rate in the sample |", "|---|---|---|"]
    for part in np.array_split(order, 10):
        lines.append(f"| {int(points[part].min())} to {int(points[part].max())} | {len(part)} | {is_bad[part].mean():.1%} |")
    return lines + [""]


def limits(built):
    return [
        "## Limits",
        "",
        "- A thousand loans of a German bank of the 1970s with bad ones oversampled: fit to demonstrate and to test, not to lend on.",
        "- Declined applicants are not in the data; there is no reject inference.",
        "- Characteristics whose data contradict common sense (property, share of income, as coded) are left out, because their",
        "  reasons could not be explained to a borrower.",
        "- `purpose` codes with fewer than 25 rows share one bin.",
        f"- The probability stands or falls with the assumed base rate of {built['calibration']['assumed_bad_rate']:.0%}.",
    ]
