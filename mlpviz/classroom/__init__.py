"""Classes: a teacher's board, and students who each train a run of their own."""
