"""The `classifier` kind: a sequence classifier, in this process or behind a server, whose score reaches a threshold."""
