# Short names for commands. You can also run the commands in the README without make.
.PHONY: run test quick lint javascript benchmark

run:
	streamlit run app.py

test:
	pytest

quick:
	pytest -m "not slow"

lint:
	ruff check . && ruff format --check . && mypy

javascript:
	npm install --no-package-lock && npm run lint && npm run types && npm test

benchmark:
	for name in parity throughput instruments live pace film drawing fairness scale sweep browser images memory stability; do python -m benchmarks.$$name; done
