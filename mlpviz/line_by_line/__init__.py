"""The second view’s computations: a step taken apart, programs with a line changed, step 0, the script itself."""
