# Every target does its own set-up: a Debian with python3 (3.11 or later), its venv module and
# make is enough. The second run needs neither the set-up nor a network.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV ?= uv
JOBS ?= 2
SOAK_SECONDS ?= 600
SOAK_WORKERS ?= 2
SOAK_RATE ?= 20
BENCH ?= $(or $(TMPDIR),/tmp)/cds-service-bench
MUTATION ?= $(or $(TMPDIR),/tmp)/cds-service-mutation
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --quiet
# What the image installs, and so what is tested: PostgreSQL is the store of more than one host.
COMPILE_PROJECT := $(COMPILE) pyproject.toml --extra postgresql
COMPILE_MORE := $(COMPILE_PROJECT) --constraint requirements.lock
# The lock files are complete. Without --no-deps an old pip looks beyond them for extras.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test bench test-browser screenshots test-hapi test-postgres compose-check sbom audit bandit secret-scan test-security test-load soak test-spark matrix check replay fuzz conformance docs mutation lock value-sets clean

demo: $(VENV)/.runtime
	$(BIN)/python -m cds_service demo

# The tests stand last, so that their closing line is near the end of the output.
test: check replay
	$(BIN)/python -m pytest --cov=cds_service/clinical --cov-report=
	$(BIN)/coverage report --include='cds_service/clinical/*' --skip-covered --fail-under=100

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

replay: $(VENV)/.dev
	$(BIN)/cds-service replay fixtures/fhir

# Many requests of every odd kind; the second run needs no network, but minutes.
fuzz: $(VENV)/.fuzz
	FUZZ=4000 $(BIN)/python -m pytest tests/web/test_fuzz.py
	$(BIN)/python tools/fuzz.py

# An hour or two. The mutants and their tools stand outside the checkout; an interrupted run
# goes on where it was, and one after a change of the code repeats what the change touches.
mutation: $(MUTATION)/venv/.ready
	mkdir -p $(MUTATION)/tree
	cd $(MUTATION)/tree && rm -rf cds_service fixtures tests
	cp -Rp cds_service fixtures tests pyproject.toml $(MUTATION)/tree
	cd $(MUTATION)/tree && nice $(MUTATION)/venv/bin/mutmut run --max-children $(JOBS) > ../log 2>&1
	$(PYTHON) tools/mutation_score.py $(MUTATION)/tree docs/mutation.md

conformance: $(VENV)/.dev
	$(BIN)/python tools/conformance.py

# Java 17 and Maven are needed, or HAPI_URL; elsewhere apt-get installs them for root.
test-hapi: $(VENV)/.dev
	PYTHON="$(abspath $(BIN))/python" tests/hapi/run

# PostgreSQL is needed; where it is missing, apt-get installs it for root.
test-postgres: $(VENV)/.dev
	tools/need initdb postgresql
	POSTGRESQL=1 $(BIN)/python -m pytest tests/store

# Without Docker: the files are checked, and the image's own commands are run in a directory.
compose-check: $(VENV)/.dev $(VENV)/deploy/.ready
	$(VENV)/deploy/bin/hadolint Dockerfile
	$(VENV)/deploy/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(VENV)/deploy/bin/python -c 'import crossplane, sys; \
		sys.exit(crossplane.parse("deploy/compose/nginx.conf", strict=True)["errors"] or 0)'
	$(VENV)/deploy/bin/kubernetes-validate --strict --quiet \
		$(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml))
	if docker compose version > /dev/null 2>&1; then docker compose config --quiet; \
		else echo "docker compose is not here: its schema alone was asked"; fi
	CONTAINER=1 NGINX="$$(tools/nginx)" $(BIN)/python -m pytest tests/deploy

# What the image holds: build/sbom.json, CycloneDX.
sbom: $(VENV)/security/.ready
	$(VENV)/security/bin/python tools/sbom.py requirements.lock build/sbom.json

# Needs a network: where the service cannot be asked it fails, and says that nothing is known.
audit: $(VENV)/security/.ready
	$(VENV)/security/bin/python tools/audit.py $(wildcard requirements*.lock)

bandit: $(VENV)/security/.ready
	$(VENV)/security/bin/bandit --quiet --configfile pyproject.toml --recursive \
		cds_service deploy tools

secret-scan: $(VENV)/security/.ready
	$(VENV)/security/bin/python tools/secret_scan.py

# What the tools of the four targets above find, and that they do find it.
test-security: $(VENV)/.dev $(VENV)/security/.ready
	SECURITY=1 $(BIN)/python -m pytest tests/security

# The workbench in the system's Chromium, which is installed for root where there is apt-get.
test-browser: $(VENV)/.browser
	tools/need chromium chromium
	BROWSER=1 $(BIN)/python -m pytest tests/browser

# The pictures of the README.
screenshots: $(VENV)/.browser
	tools/need chromium chromium
	BROWSER=1 SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser/test_screenshots.py

# A quarter of an hour, and nothing else should run; BENCH_QUICK=1 tries the script in two minutes.
# What cannot be installed is not measured, and the page says so.
bench: $(VENV)/.dev
	-tools/need wrk wrk
	-$(MAKE) --no-print-directory $(VENV)/bench/.ready
	mkdir -p $(BENCH)
	cp docs/performance.md $(BENCH)
	$(BIN)/python -m tools.bench --results $(BENCH)/results.json --healthchain $(VENV)/bench \
		$(if $(BENCH_QUICK),--quick $(BENCH)/performance.md,docs/performance.md)

test-load: $(VENV)/.dev
	LOAD=1 $(BIN)/python -m pytest -s tests/load

# Needs Java 17 or later; the second run needs no network.
test-spark: $(VENV)/.spark
	tools/need java openjdk-17-jre-headless
	SPARK=1 $(BIN)/python -m pytest tests/screen/test_spark.py

# Mixed traffic against a service that is reloaded, restarted and loses workers; SOAK has more,
# such as --seed 7, --database postgresql or --json FILE.
soak: $(VENV)/.dev
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS) --workers $(SOAK_WORKERS) \
		--rate $(SOAK_RATE) $(SOAK)

# Every fixture as every awkward EHR, as a table.
matrix: $(VENV)/.dev
	$(BIN)/cds-service simulate --matrix fixtures/fhir

docs: $(VENV)/.dev
	$(BIN)/python -m cds_service.settings > docs/settings.md

# Needs uv and a network.
lock:
	$(COMPILE_PROJECT) -o requirements.lock
	$(COMPILE_MORE) --extra parquet --group dev -o requirements-dev.lock
	$(COMPILE_MORE) --group dev --group fuzz -o requirements-fuzz.lock
	$(COMPILE_MORE) --group dev --group mutation -o requirements-mutation.lock
	$(COMPILE_MORE) --extra spark --group dev -o requirements-spark.lock
	$(COMPILE_MORE) --group dev --group browser -o requirements-browser.lock
	$(COMPILE) --group pyproject.toml:bench -o requirements-bench.lock
	$(COMPILE) --group pyproject.toml:deploy -o requirements-deploy.lock
	$(COMPILE) --group pyproject.toml:security -o requirements-security.lock

# CODES is the table of verified codes from which the value sets are made.
value-sets: $(VENV)/.dev
	$(BIN)/python tools/build_value_sets.py $(CODES)

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock | $(VENV)/pyvenv.cfg
	$(INSTALL) --no-deps --require-hashes --requirement requirements.lock
	touch $@

$(VENV)/.browser: requirements-browser.lock | $(VENV)/.dev
	$(INSTALL) --no-deps --require-hashes --requirement requirements-browser.lock
	touch $@

$(VENV)/.fuzz: requirements-fuzz.lock | $(VENV)/.dev
	$(INSTALL) --no-deps --require-hashes --requirement requirements-fuzz.lock
	touch $@

# Tools that do not import the project, each kind with what it needs.
$(VENV)/bench/.ready $(VENV)/deploy/.ready $(VENV)/security/.ready: $(VENV)/%/.ready: requirements-%.lock | $(VENV)/pyvenv.cfg
	$(PYTHON) -m venv $(VENV)/$*
	$(VENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --require-hashes --requirement $<
	touch $@

$(VENV)/.spark: requirements-spark.lock | $(VENV)/.dev
	$(INSTALL) --no-deps --require-hashes --requirement requirements-spark.lock
	touch $@

$(MUTATION)/venv/.ready: requirements-mutation.lock
	$(PYTHON) -m venv $(MUTATION)/venv
	$(MUTATION)/venv/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --require-hashes --requirement requirements-mutation.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/pyvenv.cfg
	$(INSTALL) --no-deps --require-hashes --requirement requirements-dev.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.runtime
