#!/bin/sh
# Trains the scorecard: makes ml/.venv with the pinned packages, then writes the card, its golden vectors and its model card.
# Running it again must change no byte: `ml/train.sh --check` trains into a temporary folder and compares.
set -eu
cd "$(dirname "$0")"
python="${PYTHON:-python3.11}"
command -v "$python" >/dev/null 2>&1 || python=python3
if ! [ -x .venv/bin/python ] || ! cmp -s requirements.txt .venv/installed.txt; then
	rm -rf .venv
	"$python" -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
	cp requirements.txt .venv/installed.txt
fi
.venv/bin/python -B -m unittest discover -s tests -q
exec .venv/bin/python -B train_scorecard.py "$@"
