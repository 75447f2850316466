"""A sweep: many runs that differ in one or two settings. How one is trained, in which order; `mlpviz sweep`."""
