"""The value report: gathered from events, then written in one of six forms.

`gathering` reads the events, `sheet` says everything once in words, and `writing` turns that into text, CSV, Markdown,
HTML or PDF, with the pictures of `charts`.
"""
