"""The live path: HTTP routes that send a task's newest snapshot, and the JavaScript that draws it."""
