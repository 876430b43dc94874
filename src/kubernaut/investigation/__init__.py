"""From an Incident to a Diagnosis with evidence."""
