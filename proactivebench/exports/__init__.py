"""Ways out: a run in the form other tools read. No secret and no path of this machine is in any of them."""
