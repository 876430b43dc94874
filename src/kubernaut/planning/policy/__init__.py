"""What an installation allows beyond the labels: rules, windows, budgets and storm thresholds.

`document` is the file's form, `reading` makes a `Policy` of its text, `facts` are what conditions may look at, and
`ruling` asks a policy about one remedy. Only `reading` needs the expression language, so an installation without a
policy file never imports it.
"""
