"""ProactiveBench: does a proactive agent offer help at the right moments, and keep quiet otherwise?"""

__version__ = "0.1.0"
