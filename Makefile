# make demo   the main job, in network namespaces of its own
# make test   everything that must hold; what CI runs
# make check  the fast half of it: lint, types, import contracts, unit and property tests
# make bench  how fast the codec and the allocator are, and then, as root, how fast addresses are answered for;
#             ARGS=--help and ARP_ARGS=--help say what can be chosen
# make bench-scale  how fast a whole speaker is beside others, with a real table; as root; ARGS=--help too
# make soak   shake a speaker and its peers for SOAK_SECONDS, then compare what everybody has; as root
# make rfc-table  write the README's table of standards, from the marks of the tests
# make interop-table  write the README's table of routers, from the cells of the interop matrix
# make hunt   look for octets that the codec or a session does not stand; HUNT_SECONDS for each target
# make clean  remove what the others made

.PHONY: demo test check static bench bench-scale soak rfc-table interop-table hunt clean
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
HUNT_SECONDS ?= 600
SOAK_SECONDS ?= 1800
# Half of the time goes by waiting for routers and timers.
SIDE_BY_SIDE ?= -n 2 --dist loadfile

demo: $(READY)
	@.ci/packages demo
	@$(BIN)/k8sglue lab

test: $(READY) static
	@.ci/packages test
	$(BIN)/pytest $(SIDE_BY_SIDE)

check: $(READY) static
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not root" --ignore tests/interop

static: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks.run $(ARGS)
	@$(BIN)/python -m tests.benchmarks.allocation
	@if [ "$$(id -u)" = 0 ]; then $(BIN)/python -m tests.benchmarks.arp.run $(ARP_ARGS); \
	else echo "answers for addresses are left out: only root can make network namespaces"; fi

bench-scale: $(READY)
	@$(BIN)/python -m tests.benchmarks.scale.run $(ARGS)

soak: $(READY)
	@$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS) $(ARGS)

rfc-table: $(READY)
	@$(BIN)/python -m tests.conformance.table

interop-table: $(READY)
	@$(BIN)/python -m tests.interop.matrix.table

hunt: $(READY)
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --editable ".[fuzz]"
	@$(BIN)/python -m fuzz.hunt --seconds $(HUNT_SECONDS)

$(READY): setup.cfg pyproject.toml
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "installing Python packages into $(VENV)"
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/benchmarks/.venvs fuzz/crashes
