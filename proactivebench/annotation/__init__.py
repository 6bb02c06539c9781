"""People in the loop: what they are asked about, what they said, how far they agree, and where their votes go."""
