# Everything is installed into .venv, everything that runs keeps its data in SES_HOME (default: .ses). See README.md.
.DEFAULT_GOAL := help
.PHONY: help install install-dev run test test-full test-own-airflow test-servers test-compose fire lint bench bounce-corpus screenshots dist lock clean

BIN := .venv/bin
# More arguments, for example: make test ARGS="-k quota"
ARGS ?=

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

install: ## the project's environment in .venv, exactly the locked versions
	@scripts/bootstrap.sh

install-dev: ## the same, with what the tests and checks need
	@scripts/bootstrap.sh dev

run: install ## the whole stack in the foreground: PostgreSQL, mailbox, Airflow, sample data; Ctrl-C stops all of it
	@$(BIN)/python -m ses_ops.stack.run

test: install-dev ## all tests, part by part in a few processes side by side; ARGS="-n 0": in one (tests/__main__.py)
	@$(BIN)/python -m tests $(ARGS)

test-full: install-dev ## the same at full size: an installation as in the image, more examples (tests/sizes.py)
	@SES_FULL=1 $(BIN)/python -m tests $(ARGS)

test-own-airflow: install-dev ## the wheel in a team's own Airflow: FAB, every page by every role, upgrade, uninstall (about ten minutes)
	@SES_FULL=1 $(BIN)/python -m pytest tests/own_airflow $(ARGS)

test-servers: install-dev ## real mail servers against the ledger (docs/mail-servers.md); ARGS="haraka postfix" picks some
	@$(BIN)/python -m tests.servers $(ARGS)

test-compose: install-dev ## the image built and docker-compose.yaml run, by podman (root, Debian; about half an hour; docs/production.md); ARGS="local" picks parts
	@$(BIN)/python -m tests.compose $(ARGS)

fire: install-dev ## kill -9 of the sender at 50 random moments of a 20 000 message task (10 to 20 minutes)
	@SES_FIRE=1 $(BIN)/python -m pytest tests/acceptance/under_fire/test_sender_killed.py -s $(ARGS)

lint: install-dev ## style, types, and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy && $(BIN)/mypy dags
	@$(BIN)/lint-imports

bench: install-dev ## how fast everything is, beside other senders (about 7 minutes; QUICK=1: under three)
	@$(BIN)/python -m bench $(ARGS)

bounce-corpus: install ## a folder of returned mails against its expected.json: DIR=folder (scripts/bounce_corpus.py)
	@PYTHONPATH=. $(BIN)/python scripts/bounce_corpus.py "$(DIR)"

screenshots: install-dev ## pictures of the running product for the documents, in docs/screenshots (about four minutes)
	@PYTHONPATH=. $(BIN)/python scripts/screenshots.py $(ARGS)
	@PYTHONPATH=. $(BIN)/python scripts/unsubscribe_pictures.py

dist: install ## what goes into an Airflow of your own, in dist/: wheel, DAG files, plugins.zip, checksums
	@$(BIN)/python scripts/dist.py

lock: ## write requirements.txt and requirements-dev.txt anew: the newest versions that fit, with hashes
	@scripts/lock.sh $(ARGS)

clean: ## remove .venv and caches; the data in SES_HOME stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
