"""What a judge is worth: measured against people's labels, audited for leaks, attacked."""
