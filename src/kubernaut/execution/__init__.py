"""From a Plan to a changed cluster, and back."""
