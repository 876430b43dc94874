"""Strategies: remedies of several steps that people declare, beside the single ones that the causes recommend.

A cause computes its remedies from what it saw; each of them is a strategy of one step already. A declared strategy puts
actions of the catalogue in an order, with conditions between them. `document` is its form, `reading` compiles its text,
`book` holds those in force, and `offering` says which step of which of them fits now. Every step goes the way of every
remedy: labels, policy, consent, preview, snapshot, verification and undo.
"""
