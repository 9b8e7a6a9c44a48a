"""What the training promises."""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from scorecard import binning, card, data, model  # noqa: E402


class Binning(unittest.TestCase):
    def test_bins_of_a_number_are_monotone(self):
        rng = np.random.Generator(np.random.PCG64(7))
        values = [int(v) for v in rng.integers(0, 100, 600)]
        bad = [bool(rng.random() < 0.1 + v / 200) for v in values]
        bins = binning.merge(binning.number_bins(values, bad, [10, 20, 30, 40, 50, 60, 70, 80, 90]), 600, monotone=True)
        rates = [b.bad_rate for b in bins]
        self.assertEqual(rates, sorted(rates))
        self.assertGreaterEqual(min(b.count for b in bins), 30)

    def test_no_row_is_lost(self):
        values = ["a", "b", "c", "a", "c"] * 40
        bad = [v == "c" for v in values]
        bins = binning.merge(binning.code_bins(values, bad, ["a", "b", "c", "d"], ordered=False), 200, monotone=False)
        self.assertEqual(200, sum(b.count for b in bins))
        self.assertEqual({"a", "b", "c", "d"}, {c for b in bins for c in b.codes})

    def test_safer_bins_weigh_more(self):
        values = ["good"] * 100 + ["poor"] * 100
        bad = [i % 10 == 0 for i in range(100)] + [i % 2 == 0 for i in range(100)]
        bins = binning.code_bins(values, bad, ["good", "poor"], ordered=True)
        binning.weigh(bins, bad.count(False), bad.count(True))
        self.assertGreater(binning.woe_of(bins, "good"), 0)
        self.assertLess(binning.woe_of(bins, "poor"), 0)

    def test_a_characteristic_against_common_sense_is_refused(self):
        bins = [binning.Bin(codes=["low"], good=90, bad=10), binning.Bin(codes=["high"], good=50, bad=50)]
        self.assertFalse(binning.runs_as(bins, "high"))
        self.assertTrue(binning.runs_as(bins, "low"))


class Measures(unittest.TestCase):
    def test_auc_and_ks_of_a_perfect_and_of_a_blind_score(self):
        bad = [True, True, False, False]
        self.assertEqual(1.0, model.auc(np.array([1.0, 2.0, 3.0, 4.0]), bad))
        self.assertEqual(1.0, model.ks(np.array([1.0, 2.0, 3.0, 4.0]), bad))
        self.assertEqual(0.5, model.auc(np.array([1.0, 1.0, 1.0, 1.0]), bad))
        self.assertEqual(0.0, model.ks(np.array([1.0, 1.0, 1.0, 1.0]), bad))

    def test_folds_keep_the_bad_rate(self):
        bad = [i % 10 < 3 for i in range(1000)]
        fold = model.stratified_folds(bad, 5, seed=1)
        for k in range(5):
            self.assertEqual(60, sum(1 for i in range(1000) if fold[i] == k and bad[i]))


class Inputs(unittest.TestCase):
    def test_no_candidate_is_protected(self):
        self.assertEqual(set(), {c.name for c in data.CANDIDATES} & set(data.PROTECTED))

    def test_each_candidate_has_its_sentences(self):
        for c in data.CANDIDATES:
            zh, en = card.REASONS[c.name]
            self.assertTrue(zh and en)

    def test_a_protected_column_stops_the_run(self):
        with self.assertRaises(SystemExit):
            card.check_inputs({"characteristics": [{"name": "age_years"}]}, data.PROTECTED)


if __name__ == "__main__":
    unittest.main()
