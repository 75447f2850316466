"""What the view “Line by line” computes: one step taken apart, programs with a line changed, step 0, the script."""
