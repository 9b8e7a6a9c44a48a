"""The card as a file: scaling to points, calibration to an assumed base rate, and scoring as the Go loader must do it."""

import math

import numpy as np

from . import model

PDO = 20  # points to double the odds
BASE_SCORE = 600
BASE_ODDS = 20  # good to bad at BASE_SCORE

# Sentences for a borrower: what cost him points, in both languages.
REASONS = {
    "status_account": ("活期账户状况使评分降低", "The state of your current account lowered the score"),
    "term_months": ("申请的借款期限较长，使评分降低", "The length of the term you asked for lowered the score"),
    "credit_history": ("过往还款记录使评分降低", "Your record of repaying earlier credits lowered the score"),
    "purpose": ("该借款用途的历史逾期率较高，使评分降低", "Loans for this purpose have been repaid less well, which lowered the score"),
    "savings": ("储蓄较少或未说明，使评分降低", "Small or unstated savings lowered the score"),
    "employment_duration": ("当前工作年限较短，使评分降低", "A short time in the present job lowered the score"),
    "installment_rate": ("分期还款占可支配收入的比例较高，使评分降低", "Instalments that take much of your income lowered the score"),
    "other_debtors": ("没有共同借款人或担保人，使评分降低", "Having no co-applicant or guarantor lowered the score"),
    "present_residence": ("在现住址居住时间较短，使评分降低", "A short time at the present address lowered the score"),
    "property": ("资产较少或未说明，使评分降低", "Little or unstated property lowered the score"),
    "other_installment_plans": ("在其他机构有分期还款，使评分降低", "Instalment plans elsewhere lowered the score"),
    "housing": ("居住状况使评分降低", "The way you are housed lowered the score"),
    "number_credits": ("在本机构的在贷笔数较多，使评分降低", "The number of your credits here lowered the score"),
    "job": ("职业情况使评分降低", "Your kind of work lowered the score"),
    "telephone": ("未登记固定电话，使评分降低", "Having no landline lowered the score"),
    "income_years_milli": ("借款相对收入较高，使评分降低", "A loan that is large for your income lowered the score"),
}


def points_of(log_odds_part, weight_count, intercept):
    factor = PDO / math.log(2)
    offset = BASE_SCORE - factor * math.log(BASE_ODDS)
    return math.floor(factor * log_odds_part + (offset + factor * intercept) / weight_count + 0.5)


def build(chosen, weights, calibration, about):
    """The card as plain data. Weights and intercept carry the calibration, so a reader only adds and takes the logistic."""
    slope, shift = calibration["slope"], calibration["shift"]
    intercept = round(slope * float(weights[0]) + shift, 6)
    scaled = [round(slope * float(w), 6) for w in weights[1:]]
    characteristics = []
    for (name, bins), weight in zip(chosen, scaled):
        zh, en = REASONS[name]
        characteristics.append({
            "name": name,
            "kind": "code" if bins[0].codes else "number",
            "weight": weight,
            "reason": {"code": f"score.{name}", "zh": zh, "en": en},
            "bins": [bin_data(b, weight, len(chosen), intercept) for b in bins],
            "missing": {"woe": 0.0, "points": points_of(0.0, len(chosen), intercept)},
        })
    return {
        **about,
        "scaling": {"pdo": PDO, "base_score": BASE_SCORE, "base_odds": BASE_ODDS},
        "calibration": calibration,
        "intercept": intercept,
        "characteristics": characteristics,
    }


def bin_data(b, weight, count, intercept):
    where = {"codes": b.codes} if b.codes else {k: v for k, v in (("from", b.low), ("below", b.high)) if v is not None}
    return {
        **where,
        "woe": b.woe,
        "points": points_of(weight * b.woe, count, intercept),
        "rows": b.count,
        "bad_rate": round(b.bad_rate, 4),
    }


def calibrate(out_of_fold, bad, assumed_bad_rate):
    """Slope: how far the log-odds learned inside folds hold outside them. Shift: from the sample's bad rate to the assumed one."""
    good = np.array([0.0 if b else 1.0 for b in bad])
    x = np.column_stack([np.ones(len(bad)), out_of_fold])
    weights, _ = model.newton(x, good)
    slope = round(float(weights[1]), 4)
    sample = sum(bad) / len(bad)
    level = float(weights[0])
    shift = level + math.log((1 - assumed_bad_rate) / assumed_bad_rate) - math.log((1 - sample) / sample)
    return {
        "sample_bad_rate": round(sample, 6),
        "assumed_bad_rate": assumed_bad_rate,
        "slope": slope,
        "shift": round(shift, 6),
    }


def find(characteristic, value):
    if value is None or value == "" or value == 0:
        return characteristic["missing"]
    for b in characteristic["bins"]:
        if "codes" in b:
            if value in b["codes"]:
                return b
        elif value >= b.get("from", -math.inf) and value < b.get("below", math.inf):
            return b
    raise ValueError(f"{characteristic['name']}: a value outside every bin")


def score(card, row):
    """Points, probability of default, and the characteristics that cost most points, best first broken by the card's order."""
    points, log_odds, lost = 0, card["intercept"], []
    for position, c in enumerate(card["characteristics"]):
        b = find(c, row.get(c["name"]))
        points += b["points"]
        log_odds += c["weight"] * b["woe"]
        cost = max(other["points"] for other in c["bins"]) - b["points"]
        if cost > 0:
            lost.append((-cost, position, c["reason"]["code"]))
    return points, 1.0 / (1.0 + math.exp(log_odds)), [{"code": code, "lost": -cost} for cost, _, code in sorted(lost)]


def rows_by_points(card, rows):
    return [score(card, row)[0] for row in rows]


def check_inputs(card, forbidden):
    """Stops the run if a protected column came near the card."""
    for c in card["characteristics"]:
        if c["name"] in forbidden:
            raise SystemExit(f"{c['name']} is protected and may not be in a card")
