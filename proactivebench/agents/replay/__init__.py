"""Answers given earlier: runs, samples, the release's files, read as one and scored like any agent's."""
