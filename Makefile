# Two commands matter on a fresh machine: `make demo` and `make test`. Both set everything up first
# and say what they install. `make help` lists the rest.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m
SOURCES := src tests tools benchmarks
# Compiled once: tests start many processes, and where writing bytecode is off each would compile anew.
COMPILE := $(RUN) compileall -q src
# Test files are shared out to so many processes, in their order, in which the slow ones come first; much of
# their time is waiting.
JOBS ?= 3
SPREAD := -n $(JOBS) --dist loadfile --no-loadscope-reorder
STORE_UNSET := $(if $(LIGNIN_STORE),LIGNIN_STORE= )$(if $(LIGNIN_SPACE),LIGNIN_SPACE= )

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check lint unit bench lock peers setup-demo setup-test setup-check

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
	@echo
	@echo '  make demo DATA=FOLDER     on recorded sessions in FOLDER; MINE=1 on your own sessions'
	@echo '  make test CLIENTS=1       with real clients too (Node from a wheel, packages from npm)'

# The demo has a store of its own in .demo/home; only MINE=1 works in the user's own store.
ifndef MINE
demo: export LIGNIN_HOME := $(CURDIR)/.demo/home
demo: export LIGNIN_STORE :=
demo: export LIGNIN_SPACE :=
endif

demo: setup-demo ## set up, then run the main job and print its report
	$(strip $(BIN)/lignin demo --text $(if $(DATA),--data "$(DATA)") $(if $(MINE),--mine) $(ARGS))
	@echo
ifdef MINE
	@echo 'lignin: this is your own store; the skills are in .demo/project, none is in a place that a client reads yet'
	@echo '  put them there: .venv/bin/lignin skill serve --folder PROJECT   (or --personal)'
else
	@echo 'lignin: all of it is in .demo; rm -r .demo undoes it. For the commands above, in your shell first:'
	@echo "  export LIGNIN_HOME='$(CURDIR)/.demo/home' $(STORE_UNSET)PATH='$(CURDIR)/.venv/bin':\"\$$PATH\""
endif

test: setup-test ## set up, then run everything fast
	@$(COMPILE)
	$(if $(CLIENTS),$(BIN)/python tools/real_clients.py)
	$(if $(CLIENTS),CLIENTS=1 )$(RUN) pytest -m 'not slow' $(SPREAD) $(ARGS)

test-all: setup-test ## everything, also the full-size suites, with new random examples each time
	@$(COMPILE)
	LIGNIN_HYPOTHESIS=explore $(RUN) pytest $(SPREAD) $(ARGS)

check: setup-check lint ## what to run before a commit: format, ruff, mypy, imports, unit, docs, architecture
	$(RUN) pytest -q -m 'not slow' $(SPREAD) tests/architecture tests/docs tests/unit $(ARGS)

lint: setup-check ## format check, ruff, mypy --strict
	$(RUN) ruff format --check $(SOURCES)
	$(RUN) ruff check $(SOURCES)
	$(RUN) mypy -p lignin
	$(RUN) mypy tools benchmarks/run.py

bench: setup-check peers ## run the benchmarks; WRITE=1 puts the figures into benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py $(if $(WRITE),--write) $(ARGS)

peers: setup-check ## what benchmarks compare with, each in a venv of its own under benchmarks/peers
	$(BIN)/python tools/peers.py

lock: setup-check ## resolve the dependencies anew into requirements.txt
	$(BIN)/uv pip compile --universal --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --python-version 3.11 --extra all --group dev \
	  pyproject.toml -o requirements.txt
	for peer in benchmarks/peers/*/; do \
	  $(BIN)/uv pip compile --universal --generate-hashes --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    "$${peer}requirements.in" -o "$${peer}requirements.txt" || exit 1; \
	done

setup-demo setup-test setup-check: setup-%:
	@command -v '$(PYTHON)' >/dev/null || { echo 'lignin: $(PYTHON) not found; install Python 3.11 or newer, e.g. apt-get install python3 python3-venv'; exit 1; }
	@'$(PYTHON)' tools/setup.py $*
