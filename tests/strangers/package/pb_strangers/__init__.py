"""What a stranger adds to ProactiveBench without touching it."""
