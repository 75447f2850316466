"""What the engine works on: runs and other tasks, each in small pieces, and the engine that gives them their turns."""
