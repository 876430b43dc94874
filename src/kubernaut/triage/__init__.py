"""From a Signal to an Incident, or to a named reason why not."""
