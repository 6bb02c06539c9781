"""The published benchmark in its two forms, and the sample."""

from proactivebench.plugins import Contract, Plug

PLUGS = (
    Plug(
        Contract.SUITE,
        "proactivebench",
        "proactivebench.traces.benchmark:released_task",
        "the released benchmark: 233 moments with people's labels",
    ),
    Plug(
        Contract.SUITE,
        "proactivebench_published",
        "proactivebench.traces.benchmark:published_task",
        "its 227 moments that were published with figures",
    ),
    Plug(
        Contract.SUITE,
        "proactivebench_sample",
        "proactivebench.traces.sample:sample_task",
        "invented sessions with invented votes: a demonstration",
    ),
)
