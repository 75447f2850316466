"""The live path: routes that hand out a run's newest snapshot, and the browser's board that draws it."""
