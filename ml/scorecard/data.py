"""The rows as the application form would have them: testdata/credit/mapping.json turns columns into form fields."""

import csv
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Characteristic:
    """A possible input of the card. Kind: 'code' (unordered codes), 'ordered' (codes from worst to best by common sense) or
    'number' (cut at edges). Better says which end of an ordered one should be the safer: a characteristic whose data say the
    opposite is not used, because nobody could explain its reason to a borrower."""

    name: str
    kind: str
    codes: tuple = ()
    edges: tuple = ()
    better: str = ""


CANDIDATES = (
    Characteristic("status_account", "code", ("none", "overdrawn", "under_200", "over_200")),
    Characteristic("term_months", "number", edges=(7, 10, 13, 16, 19, 22, 25, 28, 31, 37, 43, 49), better="low"),
    Characteristic(
        "credit_history", "ordered", ("delayed", "critical", "none_or_repaid", "repaying_duly", "repaid_here"), better="high"
    ),
    Characteristic(
        "purpose",
        "code",
        ("other_consumption", "car_new", "car_used", "furniture", "electronics", "appliances", "home_repair", "education",
         "travel", "training", "business"),
    ),
    Characteristic("savings", "ordered", ("none_or_unknown", "under_100", "from_100", "from_500", "over_1000"), better="high"),
    Characteristic(
        "employment_duration", "ordered", ("unemployed", "under_1y", "from_1y", "from_4y", "over_7y"), better="high"
    ),
    Characteristic("installment_rate", "number", edges=(2, 3, 4), better="high"),
    Characteristic("other_debtors", "ordered", ("none", "co_applicant", "guarantor"), better="high"),
    Characteristic("present_residence", "number", edges=(2, 3, 4), better="high"),
    Characteristic(
        "property", "ordered", ("none_or_unknown", "car_or_other", "savings_or_insurance", "real_estate"), better="high"
    ),
    Characteristic("other_installment_plans", "ordered", ("bank", "stores", "none"), better="high"),
    Characteristic("housing", "ordered", ("free", "rent", "own"), better="high"),
    Characteristic("number_credits", "number", edges=(2, 3, 4), better="low"),
    Characteristic("job", "ordered", ("unskilled", "skilled", "highly_skilled"), better="high"),
    Characteristic("telephone", "ordered", ("no", "yes"), better="high"),
    # Currency-free size of the loan: years of the borrower's disposable income that the instalments take, in thousandths.
    Characteristic(
        "income_years_milli", "number", edges=(100, 150, 200, 250, 300, 400, 500, 600, 750, 900, 1200), better="low"
    ),
)

# For measuring references again in the same run: never in a card that is written.
PROTECTED_OR_RAW = (
    Characteristic("age", "number", edges=(23, 25, 27, 30, 33, 36, 40, 45, 50, 60)),
    Characteristic("personal_status_sex", "code", ("1", "2", "3", "4")),
    Characteristic("foreign_worker", "code", ("1", "2")),
    Characteristic("people_liable", "code", ("1", "2")),
    Characteristic("amount", "number", edges=(1000, 1300, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6500, 8000, 10000)),
)

PROTECTED = ("age", "age_years", "personal_status_sex", "foreign_worker", "sex", "marital_status", "birthplace")

# Instalment as part of disposable income, in thousandths: the middle of each band of the form's installment_rate.
INSTALMENT_SHARE_MILLI = {1: 400, 2: 300, 3: 225, 4: 150}


def income_years_milli(term_months, installment_rate):
    """Integer arithmetic, the same as in service/risk: share x months / 12, rounded down."""
    return INSTALMENT_SHARE_MILLI[installment_rate] * term_months // 12


def read(rows_file, mapping_file):
    """Rows as dicts of form fields (and raw protected columns under their own names), and the label: True = bad."""
    with open(mapping_file, encoding="utf-8") as f:
        mapping = json.load(f)
    rows, bad = [], []
    with open(rows_file, encoding="utf-8", newline="") as f:
        for raw in csv.DictReader(f):
            row = {}
            for column in mapping["columns"]:
                value = raw[column["column"]]
                row[column["field"]] = column["codes"][value] if column["kind"] == "code" else int(value)
            row["income_years_milli"] = income_years_milli(row["term_months"], row["installment_rate"])
            for name in ("personal_status_sex", "foreign_worker"):
                row[name] = raw[name]
            row["age"] = int(raw["age"])
            row["people_liable"] = raw["people_liable"]
            row["amount"] = int(raw["amount"])
            rows.append(row)
            bad.append(raw[mapping["label"]["column"]] == mapping["label"]["bad"])
    return rows, bad
