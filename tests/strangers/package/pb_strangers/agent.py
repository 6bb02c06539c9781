"""An agent: a function of a moment."""


def after_saving(moment):
    """Offers to review what was just saved."""
    return "Review what was just saved" if "sav" in moment.observations[-1].event.lower() else None
