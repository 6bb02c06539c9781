"""Two agents that say how sure they are, and make the same offers: one that knows, one that only sounds like it.

proactivebench run --model examples/sure_agent.py:Calibrated --tasks proactivebench_sample --output_path runs/sure
"""
