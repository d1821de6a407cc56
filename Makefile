# `make quickstart` and `make test` are all a newcomer needs; each sets up what it needs first.

PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
STAMP  := $(VENV)/.installed

# Some images switch compiled modules off; every start of `semillero` would then compile Prefect again, for seconds.
export PYTHONDONTWRITEBYTECODE :=

# What torch brings on a GPU machine is not ours to pin.
UNPINNED := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cccl nvidia-cuda-cupti \
  nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cuda-crt nvidia-cuda-nvcc nvidia-nvvm nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand \
  nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx

.PHONY: quickstart corpus setup test test-fast test-chaos bench-training bench-curation check format lock clean help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

quickstart: setup  ## set up, then grow the example project: corpus, model, cards, demo, submission
	$(BIN)/semillero run projects/quickstart.yaml

corpus: setup  ## a corpus of 200 rows and its report, without a model
	$(BIN)/semillero run projects/corpus200.yaml

setup: $(STAMP)  ## a virtual environment with everything pinned

$(STAMP): requirements/torch.txt requirements/lock.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/torch.txt uv==0.13.9
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements/lock.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

test: setup  ## every test but the long chaos runs
	$(BIN)/python -m pytest -m "not long" -n 2 --dist worksteal

test-fast: setup  ## the inner loop, under two minutes
	$(BIN)/python -m pytest -m "not slow and not browser and not long" -n 2 --dist worksteal

test-chaos: setup  ## kill, corrupt, starve and flood for an hour
	$(BIN)/python -m pytest -m "chaos or long" --timeout 3600

bench-training: setup  ## trainers side by side; TRL goes beside the environment, not into it
	test -d build/bench/trl || $(UV) pip install --quiet --python $(BIN)/python --no-deps --target build/bench trl==1.16.0
	PYTHONPATH=build/bench:. $(BIN)/python -m benchmarks.training

bench-curation: setup  ## a million rows through curation; datasketch and datatrove go beside the environment
	test -d build/bench-curation || $(UV) pip install --quiet --python $(BIN)/python --no-deps --target build/bench-curation \
	  datasketch==2.0.0 datatrove==0.10.1 loguru==0.7.3 \
	  humanize==4.17.0 multiprocess==0.70.19 dill==0.4.1 xxhash==3.5.0 regex==2026.11.15
	PYTHONPATH=build/bench-curation:. $(BIN)/python -m benchmarks.curation

check: setup  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## pin every package by hash
	$(UV) pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --quiet \
	  --no-header --no-annotate $(addprefix --no-emit-package ,$(UNPINNED)) -o requirements/lock.txt
	$(UV) pip compile semillero/review/server/requirements.in --universal --python-version 3.11 --generate-hashes --quiet \
	  --no-header --no-annotate -o semillero/review/server/requirements.txt

clean:  ## remove what the example project made
	rm -rf projects/quickstart/.semillero projects/quickstart/published
