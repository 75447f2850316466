"""A sweep: many runs that differ in one or two settings, as a map. The command `mlpviz sweep`."""
