"""From a Diagnosis to a Plan."""
