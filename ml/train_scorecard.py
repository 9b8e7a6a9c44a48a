"""Trains application scorecard A on the South German Credit data.

Reads testdata/credit/, writes service/risk/policy/scorecard-a-1.json (the card), testdata/credit/scorecard-golden.json (vectors that
the Go tests check) and ml/cards/scorecard-a-1.md (the model card). The same inputs give the same bytes.
"""

import argparse
import dataclasses
import filecmp
import hashlib
import json
import pathlib
import tempfile

import numpy as np

from scorecard import card, data, model, report

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
ROWS = ROOT / "testdata/credit/south_german_credit.csv"
MAPPING = ROOT / "testdata/credit/mapping.json"
NAME = "scorecard-a-1"
OUTPUTS = ("service/risk/policy/scorecard-a-1.json", "testdata/credit/scorecard-golden.json", "ml/cards/scorecard-a-1.md")
FOLDS, REPEATS, MIN_Z = 5, 20, 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assumed-bad-rate", type=float, default=0.06,
                        help="share of bad loans the probability is calibrated to (the data set has 30 %% by design)")
    parser.add_argument("--check", action="store_true", help="train again and fail if a committed file would change")
    args = parser.parse_args()
    if not 0.0 < args.assumed_bad_rate < 0.5:
        parser.error("--assumed-bad-rate must lie between 0 and 0.5")
    if args.check:
        with tempfile.TemporaryDirectory() as folder:
            train(pathlib.Path(folder), args.assumed_bad_rate)
            stale = [o for o in OUTPUTS if not filecmp.cmp(ROOT / o, pathlib.Path(folder) / o, shallow=False)]
        if stale:
            raise SystemExit("training again changes: " + ", ".join(stale))
        print("training again changes nothing")
        return
    train(ROOT, args.assumed_bad_rate)


def train(root, assumed_bad_rate):
    rows, bad = data.read(ROWS, MAPPING)
    measured = measure(rows, bad)
    ours = measured[0]
    chosen, weights = model.fit(data.CANDIDATES, rows, bad, MIN_Z)
    calibration = card.calibrate(ours["out_of_fold"], bad, assumed_bad_rate)
    built = card.build(chosen, weights, calibration, about(ours))
    card.check_inputs(built, data.PROTECTED)
    write(root / OUTPUTS[0], json.dumps(built, ensure_ascii=False, indent=1) + "\n")
    write(root / OUTPUTS[1], golden(built, rows))
    write(root / OUTPUTS[2], report.model_card(built, rows, bad, measured, model))
    for m in measured:
        print(f"{m['label']:<60} AUC {m['auc']:.4f} +- {m['auc_sd']:.4f}  KS {m['ks']:.4f} +- {m['ks_sd']:.4f}")


def measure(rows, bad):
    """Ours, and the same method with other columns, over the same folds."""
    free = [dataclasses.replace(c, better="") for c in data.CANDIDATES if c.name != "income_years_milli"]
    raw = {c.name: c for c in data.PROTECTED_OR_RAW}
    runs = (
        ("card A: no protected column, no age, no raw amount", data.CANDIDATES, MIN_Z),
        ("reference: no protected column, no age, amount in marks", free + [raw["amount"]], 0.0),
        ("reference: every column of the data set", free + list(raw.values()), 0.0),
    )
    measured = []
    for label, candidates, min_z in runs:
        aucs, kss, out_of_fold = model.cross_validate(list(candidates), rows, bad, FOLDS, REPEATS, min_z)
        measured.append({
            "label": label,
            "auc": round(float(np.mean(aucs)), 4), "auc_sd": round(float(np.std(aucs, ddof=1)), 4),
            "ks": round(float(np.mean(kss)), 4), "ks_sd": round(float(np.std(kss, ddof=1)), 4),
            "out_of_fold": out_of_fold,
        })
    return measured


def about(ours):
    return {
        "name": NAME,
        "format": 1,
        "target": "bad = the data set's credit_risk 0",
        "data": {
            "set": "South German Credit, doi:10.24432/C5QG88",
            "licence": "CC BY 4.0",
            "sha256": hashlib.sha256(ROWS.read_bytes()).hexdigest(),
            "rows": 1000,
        },
        "validation": {
            "method": f"{FOLDS}-fold stratified cross-validation, {REPEATS} repeats, seeds 1 to {REPEATS}",
            "auc_mean": ours["auc"], "auc_sd": ours["auc_sd"], "ks_mean": ours["ks"], "ks_sd": ours["ks_sd"],
        },
    }


def golden(built, rows):
    """Every fifth row, every row with one field missing in turn, and one with nothing given."""
    names = [c["name"] for c in built["characteristics"]]
    inputs = [{n: row[n] for n in names} for row in rows[::5]]
    inputs += [{n: v for n, v in inputs[i].items() if n != name} for i, name in enumerate(names)]
    inputs.append({})
    vectors = []
    for given in inputs:
        points, probability, lost = card.score(built, given)
        vectors.append({"inputs": given, "points": points, "probability": probability, "lost": lost})
    lines = ",\n".join(json.dumps(v, ensure_ascii=False) for v in vectors)
    return '{"card": "%s", "vectors": [\n%s\n]}\n' % (built["name"], lines)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
