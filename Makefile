# Everything a newcomer runs. Each target does its own set-up; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
COLLECTIONS := .cache/collections
LINK := $(COLLECTIONS)/ansible_collections/meshops/asm

export PATH := $(BIN):$(PATH)
export PYTHONPATH := $(CURDIR)/tests/lab:$(CURDIR)/$(COLLECTIONS)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(COLLECTIONS)
export ANSIBLE_NOCOWS := 1
# Thousands of processes load the same files: they are compiled once, also where the environment says otherwise.
unexport PYTHONDONTWRITEBYTECODE
export ANSIBLE_CALLBACK_RESULT_FORMAT := yaml
export ANSIBLE_LOCALHOST_WARNING := False
export ANSIBLE_INVENTORY_UNPARSED_WARNING := False

export SECONDS_EACH
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.cache/hypothesis

.PHONY: help setup demo remove-demo test check unit unit-quick flow lab fuzz fuzz-short faults faults-sample integration sanity lint docs bench bench-apply bench-traffic bench-change bench-canary load-changes molecule lab-up lab-down lab-env binaries build clean molecule-all awx awx-short site-docs release ee matrix matrix-here prometheus analyzers yaml-reference samples routing importer mutants

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s "$$(printf '\t')"

$(READY): requirements.txt tests/requirements.txt
	@[ -n "$(PYTHON)" ] || { echo "Python 3.10 or newer with venv is needed (Debian: apt-get install python3 python3-venv)."; exit 1; }
	@echo "== setting up $(VENV) with $$($(PYTHON) --version)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r tests/requirements.txt
	touch $@

$(LINK): $(READY)
	@mkdir -p $(dir $@)
	ln -sfn $(CURDIR) $@

setup: $(READY) $(LINK) ## virtual environment and collection path

binaries: setup ## the lab's servers, built once per user
	@python -m meshlab.binaries

lab-up: setup ## start the lab (a cloud on this machine)
	@python -m meshlab up

lab-down: ## stop the lab; nothing is left behind
	@[ ! -e $(READY) ] || python -m meshlab down

lab-env: setup ## print the environment that points the collection at the lab
	@python -m meshlab env

demo: lab-up ## the whole main job against the lab: no mesh -> Bookinfo with its Istio resources, its traffic checked
	@eval "$$(python -m meshlab env)"
	status=$$(python -m meshlab status)
	checks=()
	! grep 'without traffic' <<<"$$status" || checks=(-e '{"asm_checks": []}')
	cd examples/bookinfo
	if ! grep -q '^  mesh bookinfo ' <<<"$$status"; then
		echo "== Bookinfo with its entrance alone: the versions of reviews answer in turn"
		ansible-playbook meshops.asm.site -e @mesh.yml -e @before.yml "$${checks[@]}"
		echo "== everything of mesh.yml: the declared split is what is seen"
	fi
	ansible-playbook meshops.asm.site -e @mesh.yml "$${checks[@]}"
	[ $${#checks[@]} -gt 0 ] || python -m meshlab status | sed -n 's/^  load balancer .*\/istio-system\/istio-ingressgateway \(.*\)$$/Bookinfo: http:\/\/\1\/productpage/p'

remove-demo: lab-up ## take the demo's mesh away again
	@eval "$$(python -m meshlab env)"
	cd examples/bookinfo && ansible-playbook meshops.asm.remove -e @mesh.yml -e asm_remove=bookinfo

# A lab leaves its machine idle for a good part of its time, so two parts run at a time, each in a process of its own and
# with a lab of its own, the longest first. What a part prints is shown once it has ended, with how long that took.
LANES ?= 2
# A part that waits for a recipe of its own would be begun after all others.
BINARIES := $(if $(BUILT),,binaries)
PARTS := lint integration matrix-here importer awx-short unit lab sanity molecule faults-sample fuzz-short
together = $(MAKE) --no-print-directory --jobs=$(LANES) --keep-going --output-sync=target BUILT=1

test: binaries $(LINK) ## everything that has to pass, two parts at a time; LANES=1 runs one after the other
	@processors() { awk '/^cpu / { print $$5 + $$6, $$2 + $$3 + $$4 + $$5 + $$6 + $$7 + $$8 + $$9 }' /proc/stat; }
	read -r idle all < <(processors)
	status=0
	$(together) $(PARTS:%=part-%) || status=$$?
	processors | awk -v idle="$$idle" -v all="$$all" -v seconds="$$SECONDS" \
	  '{ printf "== all of it: %d s, with %d %% of the processors idle\n", seconds, 100 * ($$1 - idle) / ($$2 - all) }'
	exit $$status

part-%:
	@status=0
	$(MAKE) --no-print-directory $* || status=$$?
	printf '== %s: %d s\n' '$*' "$$SECONDS"
	exit $$status

check: binaries $(LINK) ## what to run while editing: lint, unit tests without playbooks, the main flow against the lab
	@$(together) --jobs=2 lint unit-quick flow

unit-quick: setup
	@python -m pytest -q tests/unit -m "not playbooks"

flow: $(BINARIES)
	@python -m pytest -q tests/integration/test_flow.py

unit: setup ## unit tests
	@python -m pytest -q --durations=10 tests/unit

fuzz: setup ## every reader and parser with invented input, a minute each; TARGETS, SECONDS_EACH choose
	@python -m tests.fuzz $(TARGETS)

fuzz-short: setup
	@python -m pytest -q tests/fuzz

faults: setup ## every request of the main flow broken in every way, in memory; writes the table of docs/faults.rst
	@python -m tests.faults

faults-sample: setup
	@python -m tests.faults --sample

mutants: setup ## small changes of the code, one at a time: do the unit tests notice? SETS, FRESH choose; writes docs/mutants.rst
	@python -m tests.mutants $(if $(FRESH),--fresh) $(SETS)

lab: $(BINARIES) ## the lab itself against real servers and clients
	@python -m pytest -q --durations=10 tests/lab/tests

integration: $(BINARIES) ## the collection against the lab
	@python -m pytest -q --durations=10 tests/integration

sanity: setup ## ansible-test sanity
	@tests/sanity.sh

lint: setup ## ruff, mypy, ansible-lint, yamllint, changelog, documentation
	@tests/lint.sh

importer: setup ## what Galaxy does with the artifact: loaded, documented and linted by galaxy-importer
	@python tools/importer.py

docs: setup ## documentation checks only
	@tests/lint.sh docs

# What a run that was killed has left goes first: Molecule itself takes its old state for a lab that runs.
define molecule_test
export MOLECULE_EPHEMERAL_DIRECTORY=$(CURDIR)/.cache/molecule
python -m meshlab down --workdir "$$MOLECULE_EPHEMERAL_DIRECTORY/lab"
rm -rf "$$MOLECULE_EPHEMERAL_DIRECTORY"
cd extensions && molecule test
endef

molecule: $(BINARIES) ## the Molecule scenario of the whole flow
	@$(molecule_test)

molecule-all: binaries ## every Molecule scenario, on one lab
	@$(molecule_test) --all

bench: binaries ## measures the main flow; prints a table and writes tests/bench/results/flow.json
	@python -m tests.bench.flow

bench-apply: binaries ## measures applying beside other tools; CASES, OBJECTS, RTT, PEERS choose a part
	@python -m tests.bench.apply $(if $(CASES),--cases "$(CASES)") $(if $(OBJECTS),--objects "$(OBJECTS)") \
	  $(if $(RTT),--rtt "$(RTT)") $(if $(PEERS),--peers "$(PEERS)") $(if $(OUTPUT),--output "$(OUTPUT)")

bench-traffic: binaries ## measures real traffic; prints a table and writes tests/bench/results/traffic.json
	@python -m tests.bench.traffic

bench-change: binaries ## lost requests while the mesh changes, ours beside other tools; goes on where it was; TOOLS, CHANGES, PAIRS, RATE, SETTLE, FRESH, TABLE choose
	@python -m tests.bench.change $(if $(CHANGES),--changes "$(CHANGES)") $(if $(PAIRS),--pairs "$(PAIRS)") \
	  $(if $(RATE),--rate "$(RATE)") $(if $(SETTLE),--settle "$(SETTLE)") $(if $(TOOLS),--tools "$(TOOLS)") \
	  $(if $(FRESH),--fresh) $(if $(TABLE),--table)

bench-canary: binaries ## releases the example's new version, a bad and a good one; says how long it took; writes docs/benchmarks.md
	@python -m tests.bench.canary

load-changes: binaries ## every kind of change of a mesh under load; counts lost requests; CHANGES chooses; writes docs/benchmarks.md
	@python -m tests.load $(CHANGES)

awx: binaries ## AWX as code against a served API, and its jobs on every pair of ansible-core and ansible-runner
	@python -m pytest -q tests/awx
	MESHOPS_AWX_PAIRS=all python -m pytest -q tests/integration/test_runner.py tests/integration/test_texts.py

awx-short: setup
	@python -m pytest -q tests/awx

prometheus: binaries ## the playbook canary held to a real Prometheus, which is built once
	@python -m pytest -q tests/prometheus

analyzers: setup ## the checks of lint held to Istio's own analyzers, which are built once
	@python -m pytest -q tests/analyzers

routing: binaries ## the model of what Istio does with a request held to istiod and Envoy for random meshes; ROUTING_SEEDS, ROUTING_STEPS choose
	@ROUTING_SEEDS="$${ROUTING_SEEDS:-1 2 3 4 5 6 7 8 9 10}" python -m pytest -q tests/lab/tests/test_traffic_decisions.py

samples: binaries ## what people have (manifests, objects, kubeconfigs), tried here and on the lab; writes the tables of docs/samples.rst
	@python -m tests.samples
	python -m pytest -q tests/unit/test_samples.py tests/samples

yaml-reference: setup ## the reader of YAML and JSON held to that of kubectl on 100000 texts (DOCUMENTS chooses)
	@DOCUMENTS="$(DOCUMENTS)" python -m pytest -q -s tests/yamlreference

site-docs: setup ## the documentation site, in .cache/site/html
	@python tools/site_docs.py

release: setup ## the artifact of the last commit: reproducible, installed offline, verified, taken by galaxy-importer
	@python tools/release.py

ee: release binaries ## the build context of an execution environment, in .cache/ee, and its steps tried without a container
	@rm -rf .cache/ee && mkdir -p .cache/ee
	cp execution-environment.yml .cache/ee/
	cp meshops-asm-*.tar.gz .cache/ee/meshops-asm.tar.gz
	(cd .cache/ee && ansible-builder create --output-filename Containerfile)
	python -m pytest -q tests/image

matrix: setup ## unit tests on the oldest and the newest supported pair of Python and ansible-core
	@nox

matrix-here: setup ## the same with the Pythons that this machine has; says which are missing
	@nox --no-error-on-missing-interpreters

build: setup ## the collection's artifact
	@ansible-galaxy collection build --force

clean: lab-down ## remove what the targets made in this folder (the lab's binaries stay cached)
	rm -rf $(VENV) .cache .ansible .ruff_cache .mypy_cache .pytest_cache .nox .hypothesis tests/output *.tar.gz
