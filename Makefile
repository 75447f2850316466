# Thin wrappers; the README's two commands do the same without make.
.PHONY: run test lint benchmark

run:
	streamlit run app.py

test:
	pytest

lint:
	ruff check . && ruff format --check . && mypy

benchmark:
	for name in parity throughput instruments live browser images memory stability; do python -m benchmarks.$$name; done
