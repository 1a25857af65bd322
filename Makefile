# Everything that is done with this repository, by name. `make help` lists it.
# `make demo` and `make test` are all that a fresh machine needs: both set up the environment first.

VENV ?= .venv
WORKERS ?= 2
PYTHON ?= $(shell for python in python3 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	2>/dev/null; then echo $$python; break; fi; done)
RUN := env PATH="$(abspath $(VENV))/bin:$(PATH)" PYTHONPATH="$(CURDIR)"
# Named by the content of the pins: touching the file installs nothing, changing it does.
STAMP := $(VENV)/.installed-$(shell cksum < requirements.txt | tr -d ' \t')
RULES := Snakefile workflow/rules

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-gpu check format bench doctor lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv and install the pinned wheels (VENV=elsewhere to keep it elsewhere)

$(STAMP): | requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed, and none was found: install" \
		"one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing $$(grep -c '==' requirements.txt) packages, 5 GB with CUDA: some minutes"
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(VENV)/bin/python -m pip check
	@$(RUN) python -m workflow.doctor
	@rm -f $(VENV)/.installed-*
	@touch $@

demo: setup  ## Reproduce the small benchmark on this machine: tables, figures and a report
	@$(RUN) snakemake
	@printf '\n%s\n' "Done. What it says:"
	@$(RUN) python -m analysis.summary --suite-dir results/suites/demo
	@printf '\n%s\n' "In results/suites/demo:"
	@printf '  %-9s %s\n' report report.html tables 'tables/*.md (also .tex, .html, .csv)' \
		figures 'figures/*.pdf (also .png)' records records.csv

# A worker takes file after file, in the order that tests/conftest.py gives.
test: setup  ## The tests, without the slow ones
	@$(RUN) python -m pytest -m "not slow" --numprocesses $(WORKERS) --dist loadfile \
		--no-loadscope-reorder

test-slow: setup  ## The tests that take minutes each
	@$(RUN) python -m pytest -m slow

test-gpu: setup  ## The tests that need a GPU; the others stay on the processor
	@$(RUN) python -m pytest -m gpu

check: setup  ## Format, lint, types, walls and rules, as pre-commit and CI check them
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) python -m pytest --quiet tests/test_walls.py
	@$(RUN) snakefmt --check $(RULES)
	@$(RUN) snakemake --lint

format: setup  ## Put Python and rules into the house's format
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .
	@$(RUN) snakefmt $(RULES)

bench: setup  ## Run every benchmarks/bench_*.py
	@for program in benchmarks/bench_*.py; do \
		test -e $$program || { echo "nothing to measure"; break; }; \
		printf '\n== %s\n' $$program; \
		$(RUN) python -m $$(echo $${program%.py} | tr / .) || exit $$?; \
	done

doctor: setup  ## Say what this machine has, and what to mend
	@$(RUN) python -m workflow.doctor

# One list for every system and Python that we allow: what one of them alone needs is marked. Pins
# that stand are kept; `make lock UPGRADE=--upgrade` takes the newest of all.
lock: setup  ## Resolve pyproject.toml into requirements.txt
	@$(RUN) UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet $(UPGRADE) \
		--universal --python-version 3.11 --all-extras --output-file requirements.txt \
		pyproject.toml

clean:  ## Remove caches; data, results and .venv stay
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis build
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
