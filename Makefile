# Everything runs in .venv, made from the pinned and hashed requirements: nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# With pytest's memory of what failed, which other runs do without.
LIVE = $(BIN)/python -m pytest -o addopts='-q -rs -p no:pytest-infrahub' --live --shared
RIVAL := $(VENV)-rival
# The requirement files name everything, so that nothing is left for pip to choose.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: demo test model laws soak idle chart image kube postgres live live-again live-long gates bench values requirements clean

demo: $(VENV)/runtime  ## the main job, start to end, on examples/
	@$(BIN)/python examples/demo.py

test: $(VENV)/dev  ## all tests that need nothing but this repository
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

model: $(VENV)/dev  ## months of a repository, ten thousand steps of them: ten minutes
	@STATEWARD_MODEL_STEPS=10000 $(BIN)/python -m pytest --timeout=3600 tests/properties/test_model.py

laws: $(VENV)/dev  ## the properties with five times the examples, others each time: half an hour
	@$(BIN)/python -m pytest --hypothesis-profile=nightly --timeout=1800 --numprocesses=auto --dist=worksteal tests/properties tests/unit/targets/test_embedded_model.py

soak: $(VENV)/dev  ## months of a daemon, in half an hour: STATEWARD_SOAK_SECONDS says how long
	@STATEWARD_SOAK_SECONDS=$${STATEWARD_SOAK_SECONDS:-1800} $(BIN)/python -m pytest tests/e2e/test_soak.py

idle: $(VENV)/dev  ## five thousand units and nothing to do: eight minutes
	@STATEWARD_IDLE_UNITS=$${STATEWARD_IDLE_UNITS:-5000} $(BIN)/python -m pytest tests/e2e/test_idle.py

chart: $(VENV)/dev  ## the tests of the chart that need helm, which is on the PATH
	@command -v helm >/dev/null || { echo 'make chart: there is no helm on the PATH, see docs/development.md' >&2; exit 1; }
	@$(BIN)/python -m pytest --helm -m 'helm and not kube'

image: $(VENV)/dev  ## what is in the image, made in a directory: needs root and debootstrap
	@$(BIN)/python -m pytest --image -m image

kube: $(VENV)/dev  ## the tests that need a Kubernetes API server: KUBECONFIG names it
	@test -n "$$KUBECONFIG" || { echo 'make kube: KUBECONFIG is not set: name an API server, see docs/development.md' >&2; exit 1; }
	@$(BIN)/python -m pytest --kube $(if $(shell command -v helm),--helm) --postgres -m 'kube and not long'

postgres: $(VENV)/dev  ## the tests that need a PostgreSQL server: its programs are on this machine
	@$(BIN)/python -m pytest --postgres -m postgres --numprocesses=auto

live: $(VENV)/dev $(RIVAL)/ready  ## the tests that need a real Infrahub: INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name it
	@test -n "$$INFRAHUB_ADDRESS" || { echo 'make live: INFRAHUB_ADDRESS is not set: name a server, see docs/development.md' >&2; exit 1; }
	@test -n "$$INFRAHUB_API_TOKEN" || { echo 'make live: INFRAHUB_API_TOKEN is not set: give a token, see docs/development.md' >&2; exit 1; }
	@$(LIVE) --numprocesses=2 --dist=loadfile -m 'live and not long'

live-again:  ## of those, what failed the last time
	@$(LIVE) --numprocesses=2 --dist=loadfile -m 'live and not long' --last-failed

live-long: $(VENV)/dev $(RIVAL)/ready  ## whole real repositories on a real Infrahub, beside infrahubctl: half an hour
	@$(LIVE) $(if $(KUBECONFIG),--kube --helm) -m long

gates: $(VENV)/dev  ## formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench $(RIVAL)/ready  ## every benchmark, as ratios against something real in the same run
	@$(BIN)/python -m bench

$(VENV)/runtime: requirements-build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stateward needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements-build.txt
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(RIVAL)/ready: requirements-rival.txt
	@$(PYTHON) -m venv $(RIVAL)
	@$(RIVAL)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-rival.txt
	@touch $@

$(VENV)/bench: $(VENV)/dev requirements-bench.txt
	@$(PIP) --require-hashes -r requirements-bench.txt
	@touch $@

values: $(VENV)/dev  ## what is made of the chart's values: their schema, the table in its README
	@$(BIN)/python charts/generate.py

requirements:  ## refresh the pins (needs uv)
	uv lock
	uv export --frozen --no-header --no-emit-project --no-dev -o requirements.txt
	uv export --frozen --no-header --no-emit-project --no-dev --group build -o requirements-build.txt
	uv export --frozen --no-header --no-emit-project --no-dev --extra k8s --extra otel --extra postgres -o requirements-image.txt
	uv export --frozen --no-header --only-group image -o requirements-image-build.txt
	uv export --frozen --no-header --no-emit-project -o requirements-dev.txt
	uv export --frozen --no-header --no-emit-project --group bench -o requirements-bench.txt
	uv export --frozen --no-header --no-emit-project --only-group rival -o requirements-rival.txt

clean:
	rm -rf $(VENV) $(RIVAL) .demo .coverage .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
