"""Saved runs: values as bytes, the bytes in an SQLite file, and the thread that writes them."""
