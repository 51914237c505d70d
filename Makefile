# Needs Python 3.11 or newer and make; everything else comes from requirements.lock, by hash, from the
# registry that pip is set to use. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
PHOTOS ?= ../shared/eval/groups
# onnxruntime reports its use to its maker otherwise, also from scripts that load it by themselves.
export ORT_DISABLE_TELEMETRY = 1
LABELS ?= $(PHOTOS).jsonl
PEOPLE ?= ../shared/eval/people.csv
PEOPLE_DIR ?= ../shared/eval/people
VENV = .venv
INSTALLED = $(VENV)/.installed
RUN = $(VENV)/bin/python -m
PIP = $(RUN) pip --disable-pip-version-check --no-input install --quiet

.PHONY: help demo test test-slow lint format lock bench-faces bench-sources bench-web screenshots performance accuracy clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## show the whole story on real portraits
	@$(VENV)/bin/likeness demo

test: $(INSTALLED) ## run the tests, but for the slow ones
	@$(RUN) pytest -q -m "not slow"

test-slow: $(INSTALLED) ## run the slow tests
	@$(RUN) pytest -q -m slow

lint: $(INSTALLED) ## check format, style, types and house rules
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy --strict src
	@$(RUN) pytest -q tests/unit/test_house_rules.py

format: $(INSTALLED) ## format the code and mend what ruff can mend
	@$(RUN) ruff check --fix --exit-zero --quiet .
	@$(RUN) ruff format .

lock: $(INSTALLED) ## write requirements.lock anew (UPGRADE=--upgrade for newer versions)
	@$(PIP) "uv>=0.9"
	@$(RUN) uv pip compile --quiet --universal --python-version 3.11 --extra dev \
	    --generate-hashes --no-emit-index-url --no-header $(UPGRADE) \
	    --output-file requirements.lock pyproject.toml

bench-faces: $(INSTALLED) ## measure the face engine against dlib (PHOTOS=DIR)
	@$(VENV)/bin/likeness bench faces --against dlib --photos "$(PHOTOS)" --json

performance: $(INSTALLED) ## measure speed into docs/reference/performance.md (PHOTOS=DIR LABELS=FILE)
	@$(VENV)/bin/python bench/performance.py --photos "$(PHOTOS)" --labels "$(LABELS)"

accuracy: $(INSTALLED) ## measure accuracy into docs/reference/accuracy.md (PEOPLE=CSV LABELS=FILE)
	@$(VENV)/bin/python bench/accuracy.py "$(PEOPLE)" --same Chyung_Dai-chul Dai_Chul_Chyung \
	    --same Joseph_Blatter Sepp_Blatter --same Shinya_Taniguchi Takahiro_Mori \
	    --into docs/reference/accuracy.md
	@$(VENV)/bin/python bench/detection.py "$(LABELS)" --pack dlib --settings --hog --cnn \
	    --into docs/reference/accuracy.md

bench-sources: $(INSTALLED) ## measure each kind of source against the folder, and a large notice (PEOPLE_DIR=DIR)
	@$(VENV)/bin/python bench/sources.py "$(PEOPLE_DIR)"
	@$(VENV)/bin/python bench/notices.py

screenshots: $(INSTALLED) ## take a picture of every page into build/screenshots, and those of the README (needs Chromium)
	@$(VENV)/bin/python bench/screenshots.py --into build/screenshots --readme docs/images

bench-web: $(INSTALLED) ## measure the web app: searches at once, overhead, first page (PEOPLE_DIR=DIR)
	@$(VENV)/bin/python bench/web.py --people "$(PEOPLE_DIR)"

clean: ## remove the environment and all caches
	@rm -rf $(VENV) .cache build dist src/likeness.egg-info
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# The build backend goes in first, by its hash too, so that building fetches nothing unchecked.
$(INSTALLED): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { \
	    echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; \
	    exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Likeness needs Python 3.11 or newer, and this is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	@$(RUN) pip --version > /dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "Setting up $(VENV) (once; some 900 MB, mostly numerical libraries and models)" >&2
	@sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock > $(VENV)/backend.lock
	@$(PIP) --require-hashes -r $(VENV)/backend.lock
	@$(PIP) --require-hashes --no-build-isolation -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(INSTALLED)
