"""The measured quantities, one in each file. Only this code copies from a live network. It never changes a run."""
