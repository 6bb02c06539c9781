"""Agents that are programs: functions and objects, processes, servers."""
