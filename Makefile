# All targets use .venv, which is created on demand; this needs Python >= 3.11 with venv.

PYTHON ?= python3
ARGS ?=
VERSIONS ?=

VENV := .venv
BIN := $(VENV)/bin
CORE := pyproject.toml setup.py \
    $(shell find cython -type f -name '*.[hp]*' -not -name '*.c') $(shell find src/wirespeed/_channel -name '*.py')
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
requirements = $(BIN)/python ci/requirements.py $(1) > $@.txt && $(PIP) -r $@.txt

.PHONY: help demo bench counts attacks test peer-tests conformance memory fuzz refcounts thorough programs soak relay \
    network interpreters lint docs wheels arm64 cross release-check rebuild clean
.DELETE_ON_ERROR:

help:
	@echo "make demo      stream a million messages through a real connection; ARGS=--help for more"
	@echo "make bench     measure beside other clients, in about four minutes; ARGS=--help for more"
	@echo "make counts    count instructions a message with valgrind; fails where they have grown"
	@echo "make attacks   measure the dearest streams that a server can send, in some minutes; ARGS=--help for more"
	@echo "make test      run all tests, with the compiled core and in pure Python"
	@echo "make peer-tests  run other clients' own tests over the drop-ins; ARGS=websockets for one client"
	@echo "make memory    let each allocation of each scene fail once; ARGS='--stride 11' for a sample"
	@echo "make conformance  run all 517 cases of the Autobahn suite on both cores, in some minutes"
	@echo "make refcounts  repeat each public operation 100,000 times: references and memory stay the same"
	@echo "make thorough  the suite under sanitizers, with checked indexes, and in asyncio's debug mode; hours"
	@echo "make fuzz      fuzz every target, guided by coverage, for ten minutes in all; ARGS=60 for one"
	@echo "make programs  run real programs on the libraries of others and on wirespeed in their place, and compare"
	@echo "make soak      live through random faults on 200 connections, for ten minutes; ARGS=60 for one"
	@echo "make relay     a million messages through a relay while its parts are killed; needs nats-server"
	@echo "make network   cut, slow down and change links between network namespaces; needs root, on Linux"
	@echo "make interpreters  the suite on 3.14, 3.15, PyPy and a free-threaded CPython; hours, needs root and debootstrap"
	@echo "make lint      check format, lint and types"
	@echo "make docs      build the documentation site in docs/_build/html"
	@echo "make wheels    build the sdist and the wheels of this machine; VERSIONS='3.12 3.13'"
	@echo "make arm64     cross-compile for arm64, and test kernels and codec under qemu; ARGS=--install gets it"
	@echo "make cross     compile for musl, Windows and macOS with zig; ARGS=x86_64-linux-musl for one"
	@echo "make release-check  build, install and check a release, without publishing it"
	@echo "make rebuild   compile again, for example after installing a compiler"
	@echo "make clean     remove the environment and everything that was built"

demo: $(VENV)/installed
	@$(BIN)/wirespeed demo $(ARGS)

bench: $(VENV)/with-bench
	@$(BIN)/wirespeed bench $(ARGS)

counts: $(VENV)/$(if $(findstring --peers,$(ARGS)),with-bench,installed)
	@bash ci/counts.sh $(BIN)/python $(ARGS)

attacks: $(VENV)/installed
	@bash ci/attacks.sh $(BIN)/python $(ARGS)

test: $(VENV)/with-test
	@bash ci/test.sh $(BIN)/python $(ARGS)

peer-tests: $(VENV)/with-test
	@bash ci/peer-tests.sh $(BIN)/python $(ARGS)

conformance: $(VENV)/with-test
	@bash ci/conformance.sh $(BIN)/python $(ARGS)

refcounts: $(VENV)/with-test
	@bash ci/refcounts.sh $(or $(ARGS),100000) $(BIN)/python

thorough:
	@bash ci/thorough.sh $(ARGS)

fuzz:
	@bash ci/fuzz.sh $(or $(ARGS),600)

memory: $(VENV)/with-test
	@bash ci/memory.sh $(BIN)/python $(ARGS)

programs: $(VENV)/with-test
	@bash ci/programs.sh $(BIN)/python $(ARGS)

soak: $(VENV)/with-test
	@bash ci/soak.sh $(or $(ARGS),600) $(BIN)/python

relay: $(VENV)/with-test
	@bash ci/relay.sh $(BIN)/python $(ARGS)

network: $(VENV)/with-test
	@bash ci/network.sh $(BIN)/python $(ARGS)

interpreters:
	@bash ci/interpreters.sh $(ARGS)

lint: $(VENV)/with-lint
	@bash ci/lint.sh $(BIN)/python

docs: $(VENV)/with-docs
	@bash ci/docs.sh $(BIN)/python

wheels:
	@bash ci/wheels.sh $(VERSIONS)

arm64: $(VENV)/with-test
	@bash ci/arm64.sh $(ARGS)

cross: $(VENV)/with-test
	@bash ci/cross.sh $(ARGS)

release-check:
	@bash ci/release-check.sh $(ARGS)

rebuild:
	@rm -f $(VENV)/installed
	@$(MAKE) --no-print-directory $(VENV)/installed

clean:
	rm -rf $(VENV) .interpreters .programs docs/_build build dist wheelhouse src/wirespeed.egg-info
	find src -name '*.so' -delete

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("wirespeed needs Python" \
	    " 3.11 or newer, this is %d.%d: make PYTHON=python3.11" % sys.version_info[:2])'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made $(CORE)
	@echo "building and installing wirespeed in $(VENV)"
	@$(PIP) -e '.[fast]' || { echo "the extra \`fast\` could not be installed, trying without"; $(PIP) -e .; }
	@WIRESPEED_PURE_PYTHON= $(BIN)/python ci/tell.py
	@touch $@

$(VENV)/with-test: $(VENV)/installed ci/requirements.py
	@echo "installing what the tests need"
	@$(call requirements,test)
	@touch $@

$(VENV)/with-bench: $(VENV)/installed ci/requirements.py
	@echo "installing the other clients"
	@$(call requirements,bench)
	@touch $@

$(VENV)/with-lint: $(VENV)/with-test
	@echo "installing what the checks need"
	@$(call requirements,lint)
	@touch $@

$(VENV)/with-docs: $(VENV)/with-test
	@echo "installing what the documentation needs"
	@$(call requirements,docs)
	@touch $@
