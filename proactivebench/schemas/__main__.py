"""`python -m proactivebench.schemas` rewrites the shipped schemas after a change to the records."""

from proactivebench.schemas import write_all

write_all()
