"""From values of the domain to lines of text; pure, so that every output has a test on its exact text."""
