"""The readiness assessment: promise, check, figure, the command that reproduces it, evidence, verdict.

`verdicts` says what a check and its outcome are, `ground` runs the sandbox once for all checks that look at it,
`checklist` lists every promise, built or not, and `assessing` runs them and writes the evidence.
"""
