"""The public suite of scored diagnoses: faults made in generated systems, and controls that must be left alone."""
