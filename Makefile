# segwatch on one machine. `make help` lists what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run up down test test-fast test-pacs dashboards-preview faults chaos lint audit bench bundle helm test-helm test-server schemas generate requirements images \
  test-images cluster cluster-down cluster-status test-cluster

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(VENV)/.installed
FETCHED := .build/.fetched
SERVICES := ingest segmentation features scoring aggregation federation
OVERLAYS := $(wildcard k8s/overlays/*)
SEED ?= 1
STUDIES ?= 200
MINUTES ?= 10
BENCHMARKS := detection hop volumes dicom_masks features scoring bootstrap site_rate demo_model privacy_cost second_opinion

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

setup: $(PACKAGES) $(FETCHED) ## make .venv, and fetch Kafka's jars, Prometheus and Alertmanager

run: setup ## the story, which ends by itself; INPUT=FOLDER runs your own cases (docs/local-stack.md)
	@$(BIN)/python -m deploy.local run

up: setup ## the same, but it stays; prints the addresses
	@$(BIN)/python -m deploy.local up

down: ## end what `make up` started
	@$(BIN)/python -m deploy.local down

test: lint ## lint, and every test (needs Java and Kafka's jars for those on a real broker)
	$(BIN)/python -m pytest

test-fast: $(PACKAGES) ## unit and contract tests without broker and torch
	$(BIN)/python -m pytest tests/unit tests/contract -m "not broker and not torch and not slow"

test-pacs: $(PACKAGES) ## ingest with dcmtk's senders and an Orthanc (Debian's dcmtk and orthanc-dicomweb, installed if absent)
	$(BIN)/python -m pytest tests/pacs

lint: setup ## format, lint, types, and the manifests where kubectl is there
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@if command -v kubectl >/dev/null; then \
	  for overlay in $(OVERLAYS); do echo "kubectl kustomize $$overlay"; \
	    kubectl kustomize $$overlay >/dev/null || exit 1; done; \
	else echo "kubectl is not there: the manifests are not rendered"; fi

dashboards-preview: setup ## the story, with every panel drawn into .run/pictures, and Prometheus' and Alertmanager's pages
	@$(BIN)/python -m deploy.local pictures

audit: $(PACKAGES) ## pins, licences, known vulnerabilities, and the bills of materials (.build/sbom)
	$(BIN)/python -m deploy.audit

faults: setup ## a site under faults, checked; SEED=7 STUDIES=200 MINUTES=10 (docs/delivery.md)
	@$(BIN)/python -m tests.faults --seed $(SEED) --studies $(STUDIES) --minutes $(MINUTES)

chaos: setup ## the centre's own parts away, one after the other; who is told is checked (docs/alerting.md)
	@$(BIN)/python -m tests.chaos

images: $(PACKAGES) ## build the services' images with buildah, podman or docker; ONLY="features scoring" IMAGES= VERSION=
	@$(BIN)/python -m deploy.images $(ONLY)

test-images: images ## each image as the manifests run it: alive, nothing to compile, small, ends in time
	$(BIN)/python -m pytest tests/images

cluster: setup ## start a real Kubernetes of one node in namespaces of its own (root; built once, 24 min of processor)
	@$(BIN)/python -m deploy.cluster up

cluster-down: ## end it, and delete what it wrote
	@$(BIN)/python -m deploy.cluster down

cluster-status: ## what runs there
	@$(BIN)/python -m deploy.cluster status

test-cluster: setup ## the cluster from nothing, a hospital and the centre on it, studies from outside (docs/operators.md)
	$(BIN)/python -m pytest tests/cluster

bench: setup ## measure: a hop through Kafka, reading volumes, measuring masks, the demo model, what privacy costs
	@for each in $(BENCHMARKS); do echo "python -m benchmarks.$$each"; \
	  $(BIN)/python -m benchmarks.$$each || exit 1; done

bundle: setup ## one tarball for a server without network (dist/); SEGMENTATION=no leaves torch out (docs/operations/server.md)
	$(BIN)/python -m deploy.server bundle $(if $(filter no,$(SEGMENTATION)),--no-segmentation)

helm: setup ## build helm itself into .build/bin, for the tests of the chart
	@$(BIN)/python -c 'from deploy.local.machine import binaries; print(binaries.obtain(binaries.HELM, print))'

test-helm: helm ## the chart by helm itself: lint, and what it renders against the overlays
	$(BIN)/python -m pytest tests/contract/deploy/test_chart.py

test-server: bundle ## boot a clean Debian by its systemd, without network: install, run, upgrade, roll back, drills (needs root)
	$(BIN)/python -m pytest tests/server --override-ini=testpaths=

schemas: $(PACKAGES) ## write schemas/ from segwatch/contracts
	$(BIN)/segwatch schemas write

generate: schemas ## write everything that is made from code: schemas, manifests, dashboards, the features page
	$(BIN)/python -m deploy.manifests
	$(BIN)/python -m deploy.doors
	$(BIN)/python -m deploy.helm
	$(BIN)/python -m deploy.alerting deploy/alerting/contacts.yaml deploy/alerting/compose
	$(BIN)/python -m deploy.dashboards
	$(BIN)/python -m services.ingest.conformance
	$(BIN)/segwatch features page

requirements: $(PACKAGES) ## pin requirements/ anew from pyproject.toml
	@for extra in $(SERVICES) dev; do \
	  case $$extra in dev) out=requirements/all.txt;; features) out=services/features/requirements.txt; extra=measuring;; \
	    *) out=services/$$extra/requirements.txt;; esac; echo $$out; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --extra $$extra --output-file $$out pyproject.toml || exit 1; done

$(PACKAGES): requirements/all.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "segwatch needs Python 3.11 or newer; PYTHON=python3.12 make … chooses another"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "installing the Python packages into $(VENV) (torch among them: 3 GB, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/all.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(FETCHED): $(PACKAGES) deploy/local/machine/pom.xml deploy/local/machine/binaries.py
	@$(BIN)/python -m deploy.local setup
	@mkdir -p $(@D) && touch $@
