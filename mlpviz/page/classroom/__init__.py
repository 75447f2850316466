"""The page of a class: what a student sees of it, and the teacher's board."""
