"""The live path: routes that hand out a task's newest snapshot, and the browser's side that draws it."""
